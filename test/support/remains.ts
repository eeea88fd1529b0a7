// What a test run left behind: processes, named memory, temporary files. Taken before, compared after, named, and cleared away.
//
// Others may run tests on the same machine, of this checkout or another one. What is theirs is neither touched nor told of: ours
// has our mark in its environment or its name. Where there is no mark (a child whose environment was replaced, a block with a
// name that the library made up) it must run this checkout's code, or there must be nobody else whose it could be.
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RUN as mark } from './names.ts'
import {
  isInUse,
  killAll,
  type LivingProcess,
  orphansWithSessionMemory,
  othersAtWork,
  processesMarked,
} from './processes.ts'

/** Compiled, this file lies in build/test/support. */
const checkout = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')
const ownFolder = 'multiproc-test-'
/** What the library, and CPython beside it, call a block that was given no name; and CPython's semaphores. */
const MADE_UP = /^(psm_|sem\.mp-)/

const entries = (folder: string) => {
  try {
    return new Set(readdirSync(folder))
  } catch {
    return new Set<string>()
  }
}

const isMine = (file: string) => {
  try {
    return lstatSync(file).uid === process.getuid?.()
  } catch {
    return false
  }
}

export class Remains {
  /** Added to the environment of everything the run starts: the mark by which it is found, and a temporary folder of its own. */
  readonly env: Record<string, string>
  readonly #shared = tmpdir()
  readonly #folder = mkdtempSync(path.join(tmpdir(), ownFolder))
  readonly #temporaryBefore = entries(tmpdir())
  readonly #memoryBefore = entries('/dev/shm')
  readonly #orphansBefore = new Set(this.#orphans().map(({ pid }) => pid))
  readonly #alone: boolean

  constructor() {
    // Node would keep compiled programs, such as npm, in the temporary folder
    this.env = {
      [mark]: path.basename(this.#folder),
      TMPDIR: this.#folder,
      NODE_DISABLE_COMPILE_CACHE: '1',
      MULTIPROC_COMMONS: path.basename(this.#folder), // share() meets nobody from outside the run
    }
    this.#alone = !othersAtWork(mark, this.env[mark])
  }

  #orphans(): LivingProcess[] {
    return orphansWithSessionMemory(mark, [checkout, this.#folder])
  }

  /** Living processes of this run. */
  processes(): LivingProcess[] {
    const found = [
      ...processesMarked(mark, this.env[mark]),
      ...this.#orphans().filter(({ pid }) => !this.#orphansBefore.has(pid)),
    ]
    return found.filter((one, i) => found.findIndex(({ pid }) => pid === one.pid) === i)
  }

  /** Kills this run's processes by pid. */
  kill(): void {
    killAll(this.processes())
  }

  /** A line for each thing left behind once `grace` ms have passed; processes are killed, and the run's own folder is removed. */
  async clear(grace = 2_000): Promise<string[]> {
    // a child that notices its parent's end may need a moment to follow
    const end = Date.now() + grace
    while (this.processes().length > 0 && Date.now() < end) await sleep(20)
    const processes = this.processes()
    killAll(processes)
    const alone = this.#alone && !othersAtWork(mark, this.env[mark])
    const isOurs = (name: string) => name.includes(this.env[mark]) || (alone && MADE_UP.test(name))
    const named = [...entries('/dev/shm')]
      .filter(name => !this.#memoryBefore.has(name) && isOurs(name))
      .map(name => path.join('/dev/shm', name))
      // what some other program of this user made meanwhile, it still has open
      .filter(file => isMine(file) && !isInUse(file))
    const temporary = [
      ...[...entries(this.#folder)].map(name => path.join(this.#folder, name)),
      ...[...entries(this.#shared)]
        .filter(name => alone && name.startsWith('multiproc') && !name.startsWith(ownFolder))
        .filter(name => !this.#temporaryBefore.has(name))
        .map(name => path.join(this.#shared, name)),
    ]
    rmSync(this.#folder, { recursive: true, force: true })
    return [
      ...processes.map(({ pid, command }) => `process ${pid}, killed now: ${command}`),
      ...named.map(file => `shared memory ${file}`),
      ...temporary.map(file => `temporary file ${file}`),
    ]
  }
}

// Programs that a test starts: by argv, with their output captured, never past their deadline, never past the test.
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { killAll, type LivingProcess, processesMarked } from './processes.ts'

/** The folder of package.json. Compiled, this file lies in build/test/support. */
export const checkout = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')

export interface ChildOptions {
  /** ms after which it and everything it started is killed; default: a minute, which no program here needs on any machine. */
  deadline?: number
  /** Added to this process's environment; undefined takes a variable out. */
  env?: Record<string, string | undefined>
  cwd?: string
  /** Written to its standard input, which is then closed. */
  input?: string
}

export interface Ended {
  /** Exit code, or the negative signal number's name by `signal`. */
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  /** Killed at its deadline. */
  late: boolean
}

const marker = 'MULTIPROC_TEST_CHILD'
let started = 0
const living = new Set<Child>()
process.on('exit', () => {
  for (const child of living) child.end()
})

/** A running program in a process group of its own. */
export class Child {
  readonly pid: number
  readonly ended: Promise<Ended>
  readonly process: ChildProcess
  readonly #mark: string
  #stdout = ''
  #stderr = ''

  constructor(argv: string[], options: ChildOptions = {}) {
    this.#mark = `${process.pid}-${++started}`
    const env = { ...process.env, ...options.env, [marker]: this.#mark }
    // a test file runs with NODE_TEST_CONTEXT set; a program that inherits it would report to the test runner
    delete (env as NodeJS.ProcessEnv).NODE_TEST_CONTEXT
    this.process = spawn(argv[0], argv.slice(1), { cwd: options.cwd ?? checkout, env, detached: true })
    this.pid = this.process.pid ?? 0
    living.add(this)
    this.process.stdout!.setEncoding('utf8').on('data', text => (this.#stdout += text))
    this.process.stderr!.setEncoding('utf8').on('data', text => (this.#stderr += text))
    this.process.stdin!.on('error', () => {}) // it may end before it has read everything
    if (options.input !== undefined) this.process.stdin!.end(options.input)
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.end()
    }, options.deadline ?? 60_000)
    this.ended = new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        living.delete(this)
      }
      this.process.once('error', error => {
        settle()
        reject(error)
      })
      // 'close' waits until the output is closed too: an orphan that inherited it would hold us up to the deadline
      this.process.once('close', (code, signal) => {
        settle()
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr, late })
      })
    })
    this.ended.catch(() => {}) // a test that awaits it sees the error; one that does not is not interrupted
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Signals this one process and nothing it started. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    try {
      process.kill(this.pid, signal)
    } catch {
      // it had ended
    }
  }

  /** Kills it and everything it started: its process group, and by their mark those that left the group. */
  end(): void {
    if (this.pid > 0)
      try {
        process.kill(-this.pid, 'SIGKILL')
      } catch {
        // the whole group had ended
      }
    killAll(this.leftovers())
  }

  /** What it started that is still alive, itself included, also orphans. */
  leftovers(): LivingProcess[] {
    return processesMarked(marker, this.#mark)
  }

  /** Resolves when it has printed `text`; rejects when it ends, or `ms` pass, without. */
  async printed(text: string, ms = 60_000): Promise<void> {
    let over = false
    this.ended.then(
      () => (over = true),
      () => (over = true),
    )
    await until(
      () => this.#stdout.includes(text) || over,
      ms,
      () => `'${text}' from pid ${this.pid}, which printed: ${this.#stdout}${this.#stderr}`,
    )
    if (!this.#stdout.includes(text))
      throw new Error(`pid ${this.pid} ended without printing '${text}': ${this.#stdout}${this.#stderr}`)
  }
}

/** Starts a program; the test awaits `ended`, or kills it. */
export const start = (argv: string[], options?: ChildOptions): Child => new Child(argv, options)

/** Runs a program to its end. */
export const run = (argv: string[], options?: ChildOptions): Promise<Ended> => new Child(argv, options).ended

/** Runs JavaScript (an ES module) in a fresh Node; 'multiproc' and '#src/…' resolve as they do in a test. */
export const runNode = (source: string, options?: ChildOptions & { execArgv?: string[] }): Promise<Ended> =>
  run([process.execPath, ...(options?.execArgv ?? []), '--input-type=module', '--eval', source], options)

/** Waits until `condition` holds, looking every few ms; `what` is said in the error when it does not within `ms`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  ms = 60_000,
  what: string | (() => string) = 'the condition',
): Promise<void> {
  const end = Date.now() + ms
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for ${typeof what === 'string' ? what : what()}`)
    await sleep(5)
  }
}

/** The path of an executable, or null. */
export function findExecutable(name: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const file = path.join(folder || '.', name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // look in the next folder
    }
  }
  return null
}

/** Python for tests with CPython on the other side, or null: such a test is then skipped and says so. */
export const python: string | null = findExecutable('python3')

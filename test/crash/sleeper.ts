// Somebody who waits for an object in another process, while a third one works on it and dies.
import type { TestContext } from 'node:test'
import { type Condition, type Lock, Process, Queue } from 'multiproc'
import { participants } from '#src/arena/participants.js'
import { bodyAt } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { load } from '#src/arena/words.js'
import { NOT_EMPTY, NOT_FULL } from '#src/channel/log.js'
import { collectGarbage } from '#src/os/garbage.js'
import { until } from '../support/children.js'

/** ms: every wait here ends long before, unless something is broken. */
export const LIMIT = 60_000

export interface Sleeping {
  /** The operation; its blocking form has 'Sync' behind it. */
  readonly what: string
  readonly object: any
  readonly blocking: boolean
  /** What it is called with, before its options. */
  readonly args?: readonly unknown[]
  /** The object in which the wait set lies, if it is not `object`. */
  readonly address?: number
  /** Where in the object's own words the wait set lies; of get, put, acquire, wait (of an Event) and 'wait holding it' (of a Condition) it is known. */
  readonly set?: number
}

/** In the child: waits for what it is told to wait for, and reports what came of it, one after the other. */
export async function sleeper(commands: Queue<Sleeping>, answers: Queue<unknown>): Promise<void> {
  for (;;) {
    await sleepOnce(commands, answers)
    setImmediate(collectGarbage) // what came with the object, such as the lock of a condition, is let go as well
  }
}

async function sleepOnce(commands: Queue<Sleeping>, answers: Queue<unknown>): Promise<void> {
  const command = await commands.get()
  await answers.put(await wait(command).catch(error => error.name))
  command.object.close()
}

async function wait({ what, object, blocking, args = [] }: Sleeping): Promise<unknown> {
  const limit = { timeout: LIMIT }
  switch (what) {
    case 'get':
      return blocking ? (object as Queue).getSync(limit) : await (object as Queue).get(limit)
    case 'put':
      if (blocking) (object as Queue).putSync('slept', limit)
      else await (object as Queue).put('slept', limit)
      return 'done'
    case 'acquire': {
      const held = blocking ? (object as Lock).acquireSync(limit) : await (object as Lock).acquire(limit)
      const { abandoned } = held
      held.release()
      return abandoned ? 'abandoned' : 'held'
    }
    case 'wait holding it': {
      using held = await (object as Condition).acquire(limit)
      if (blocking) (object as Condition).waitSync(limit)
      else await (object as Condition).wait(limit)
      return held.abandoned ? 'abandoned' : 'held'
    }
    case 'poll':
      return blocking ? object.pollSync(LIMIT) : await object.poll(LIMIT)
    default:
      return (await object[blocking ? `${what}Sync` : what](...args, limit)) ?? 'done'
  }
}

const SETS: Record<string, number> = { get: NOT_EMPTY, put: NOT_FULL, acquire: 1, wait: 1, 'wait holding it': 2 }

/** A process that sleeps where it is told to. */
export class Sleeper {
  readonly #commands = new Queue<Sleeping>()
  readonly #answers = new Queue<unknown>()
  readonly process = new Process({ target: sleeper, args: [this.#commands, this.#answers], stdio: 'ignore' })

  /** Ends with the test, if that is given. */
  constructor(t?: TestContext) {
    this.process.start()
    t?.after(() => this.end())
  }

  async end(): Promise<void> {
    this.process.kill()
    await this.process.join()
    this.#commands.close()
    this.#answers.close()
  }

  /** Resolves when it waits: marked, and nothing left to do but sleep. */
  async sleepOn(sleeping: Sleeping): Promise<void> {
    this.#commands.putNowait(sleeping)
    const session = currentSession()
    const { w, at } = bodyAt(session, sleeping.address ?? sleeping.object.address)
    const set = at + (sleeping.set ?? SETS[sleeping.what])
    const slot = () => participants(session.w).find(({ pid }) => pid === this.process.pid)?.slot
    const marked = (s: number | undefined) => s !== undefined && (load(w, set + 1 + (s >>> 5)) >>> (s & 31)) & 1
    await until(() => marked(slot()) === 1, LIMIT, 'a process to fall asleep')
  }

  answer(): Promise<unknown> {
    return this.#answers.get({ timeout: LIMIT })
  }
}

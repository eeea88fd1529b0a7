// A pool whose workers die before an access that they are told, one after the other, and a look at all that was asked of it.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { getContext, type Pool, WorkerDiedError } from 'multiproc'
import { SHARED } from '#src/arena/owner.js'
import { participants } from '#src/arena/participants.js'
import { kindCode } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { taskBoardKind } from '#src/channel/task-board.js'
import { until } from '../support/children.js'
import { inTime } from '../support/in-time.js'
import { isAlive } from '../support/processes.js'
import type { Access } from '../support/words.crash.js'
import { armed, batch, begin, type Call, later, outcome, recorded, recording, small } from './pool-tasks.js'
import { LIMIT } from './sleeper.js'
import { sound } from './sweep.js'

/** Rounds of tasks after which a worker that was to die has done so. */
const ROUNDS = 1000

/** Which part of a worker's life its accesses are counted in. */
export type Part =
  /** From its first access on. */
  | 'start'
  /** From a task on, behind which lie others of all kinds. */
  | 'work'
  /** From a task on, behind which others come one by one: it sleeps between them, and so does another worker. */
  | 'wait'
  /** From its last task on. */
  | 'end'

/** After such a death the same pool goes on with the next. */
export const goesOn = (part: Part): boolean => part === 'work' || part === 'wait'

export class Life {
  readonly pool: Pool
  readonly #part: Part
  readonly #retries: number
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'pool-life-'))
  readonly #journal = path.join(this.#folder, 'journal')
  readonly #accesses = path.join(this.#folder, 'accesses')
  /** Number of the next task. */
  #next = 1

  constructor(t: TestContext, part: Part, retries: number, processes = 1) {
    this.#part = part
    this.#retries = retries
    const { Pool } = getContext('spawn')
    this.pool = new Pool({
      processes,
      idleTimeout: 10 * LIMIT,
      retries,
      initializer: begin,
      initargs: [this.#journal],
    })
    t.after(async () => {
      await this.pool.terminate()
      rmSync(this.#folder, { recursive: true })
    })
  }

  /** Who ran what, in this order. */
  #runs(): { pid: number; id: number }[] {
    const lines = existsSync(this.#journal) ? readFileSync(this.#journal, 'utf8').trim().split('\n') : []
    return lines.map(line => line.split(' ').map(Number)).map(([pid, id]) => ({ pid, id }))
  }

  #call(give: (id: number) => Promise<unknown>): Call {
    const id = this.#next++
    return { id, wanted: id, result: outcome(give(id)) }
  }

  #batch(): Call[] {
    const calls = batch(this.pool, this.#next)
    this.#next += calls.length
    return calls
  }

  /** Tasks, and waits until they are settled. */
  async #work(): Promise<Call[]> {
    if (this.#part !== 'wait') return settled(this.#batch())
    await until(othersSleep, LIMIT, 'the workers to fall asleep')
    const one = await settled([this.#call(id => this.pool.apply(small, [id]))])
    await until(othersSleep, LIMIT, 'the workers to fall asleep')
    return [...one, ...(await settled([this.#call(id => this.pool.apply(later, [id]))]))]
  }

  /** What a worker does in that part of its life. */
  async record(): Promise<Access[]> {
    const file = this.#accesses
    if (this.#part === 'start') await this.#starting('record', () => this.pool.apply(recorded, [file])).given
    else {
      await settled([this.#call(id => this.pool.apply(recording, [id, file]))])
      if (this.#part !== 'end') {
        await this.#work()
        await this.pool.apply(recorded, [file])
      }
    }
    await this.end()
    return JSON.parse(readFileSync(file, 'utf8'))
  }

  /** Does what has a worker started, which counts from its first access on; gives its pid beside what that gives. */
  #starting<T>(crashAt: number | readonly string[] | 'record', work: () => T): { given: T; pid: number | undefined } {
    let worker: ChildProcess | undefined
    const look = (message: unknown) => {
      worker = (message as { process: ChildProcess }).process
    }
    subscribe('child_process', look)
    process.env.MULTIPROC_CRASH_AT = String(crashAt)
    try {
      return { given: work(), pid: worker?.pid }
    } finally {
      delete process.env.MULTIPROC_CRASH_AT
      unsubscribe('child_process', look)
    }
  }

  /** A worker dies before access `k` of that part of its life, or the first that such a line leads to. Then: all is as it should be. */
  async die(k: number | readonly string[]): Promise<void> {
    const calls: Call[] = []
    let pid: number | undefined
    if (this.#part === 'start') {
      const started = this.#starting(k, () => this.#batch())
      calls.push(...(await settled(started.given)))
      pid = started.pid
    } else {
      if (this.#part === 'wait') await this.#crowd()
      const call = this.#call(id => this.pool.apply(armed, [id, k]))
      calls.push(call)
      if (this.#part === 'work') calls.push(...this.#batch())
      if (this.#part === 'end') this.pool.close()
      await settled(calls)
      pid = this.#runs().find(({ id }) => id === call.id)?.pid
    }
    assert.ok(pid !== undefined, 'somebody is to die')
    if (this.#part === 'end') await this.end()
    else {
      for (let round = 0; isAlive(pid) && round < ROUNDS; round++) calls.push(...(await this.#work()))
      calls.push(...(await this.#further()))
    }
    assert.ok(!isAlive(pid), 'it has died')
    if (!goesOn(this.#part)) await this.end()
    await until(() => participants(currentSession().w).every(one => one.pid !== pid), LIMIT, 'its recovery')
    await sound('after its death')
    await this.#audit(calls, pid)
  }

  /** There are two workers, and nobody is started for another task: the one that is left shall be woken for it. */
  async #crowd(): Promise<void> {
    const atWork = async () => {
      const calls = await settled([later, later].map(fn => this.#call(id => this.pool.apply(fn, [id]))))
      return (
        new Set(
          this.#runs()
            .filter(({ id }) => id >= calls[0].id)
            .map(({ pid }) => pid),
        ).size === 2
      )
    }
    await until(atWork, LIMIT, 'two workers to be there')
  }

  /** What comes after a death, for whoever is left. */
  async #further(): Promise<Call[]> {
    const ids = Array.from({ length: 6 }, () => this.#next++)
    const results = await bounded(this.pool.map(small, ids, { chunksize: 2 }), 'a further map()')
    return ids.map((id, i) => ({ id, wanted: id, result: Promise.resolve(results[i]) }))
  }

  /** Nothing is missing, nothing was done twice. */
  async #audit(calls: readonly Call[], dead: number): Promise<void> {
    const first = calls[0].id
    const runs = this.#runs().filter(({ id }) => id >= first)
    const last = runs.findLast(({ pid }) => pid === dead)?.id ?? first - 1
    const lost: number[] = []
    for (const { id, wanted, result } of calls) {
      const got = await result
      const times = runs.filter(run => run.id === id).length
      if (got instanceof WorkerDiedError) {
        lost.push(id)
        assert.equal(got.pid, dead)
        assert.ok(times <= 1, `task ${id} was run ${times} times and is lost`)
      } else {
        assert.deepEqual(got, wanted, `of task ${id}`)
        const most = this.#retries > 0 && id === last ? 2 : 1
        assert.ok(times >= 1 && times <= most, `task ${id} was run ${times} times`)
      }
    }
    assert.ok(lost.length <= (this.#retries > 0 ? 0 : 1), `the tasks ${lost} are lost`)
    // what it ran last, or what it had taken and not begun: one worker takes them in their order
    const inHand = this.#part === 'wait' ? lost[0] >= last : lost[0] === last || lost[0] === last + 1
    assert.ok(lost.length === 0 || inHand, `task ${lost} is lost, and the last that the dead one ran is ${last}`)
  }

  async end(): Promise<void> {
    this.pool.close()
    await bounded(this.pool.join(), 'the end of the pool')
  }
}

/** Everybody but us waits for a task, and is to be rung for it. There is one pool. */
function othersSleep(): boolean {
  const session = currentSession()
  const boards = [...session.allocator.blocks()].filter(
    ({ address, owner }) => owner === SHARED && kindCode(session, address) === taskBoardKind.code,
  )
  assert.equal(boards.length, 1)
  const waiters = taskBoardKind.describe?.(session, boards[0].address).waiters ?? []
  const others = participants(session.w).filter(({ pid }) => pid !== process.pid)
  return others.every(({ slot }) => waiters.includes(slot))
}

async function settled(calls: Call[]): Promise<Call[]> {
  await bounded(Promise.all(calls.map(({ result }) => result)), 'all calls to be settled')
  return calls
}

const bounded = <T>(promise: Promise<T>, what: string): Promise<T> => inTime(promise, LIMIT, what)

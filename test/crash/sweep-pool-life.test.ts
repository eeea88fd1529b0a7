// A worker of a pool is killed before any access to shared memory, from its first task to its end. Whatever it was at: every call
// is settled, one at the most by WorkerDiedError, the one that it had in hand; the pool goes on, and ends when it shall.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { getContext, type Pool, WorkerDiedError } from 'multiproc'
import { participants } from '#src/arena/participants.js'
import { currentSession } from '#src/arena/session.js'
import { until } from '../support/children.js'
import { isAlive } from '../support/processes.js'
import type { Access } from '../support/words.crash.js'
import { armed, batch, begin, type Call, outcome, recorded, recording, small } from './pool-tasks.js'
import { LIMIT } from './sleeper.js'
import { blocks, EXHAUSTIVE, nobodyElse, sound } from './sweep.js'

// the workers' accesses are counted, ours are not
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --conditions=crash`

/** Batches after which a worker that was to die has done so. */
const ROUNDS = 50
/** Of the accesses at one line of worker.ts and one of what lies below it only the first counts, but in the exhaustive form. */
const WHERE = [/^src\/pool\//, /^src\/(channel|process)\//]

/** A pool of one worker, which is the next one when it has died, and what its workers have run. */
class Life {
  readonly pool: Pool
  readonly retries: number
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'pool-life-'))
  /** Of tasks. */
  #next = 1

  constructor(t: TestContext, retries: number) {
    this.retries = retries
    const { Pool } = getContext('spawn')
    this.pool = new Pool({
      processes: 1,
      retries,
      initializer: begin,
      initargs: [this.#journal],
      idleTimeout: 2 * LIMIT,
    })
    t.after(async () => {
      await this.pool.terminate()
      rmSync(this.#folder, { recursive: true })
    })
  }

  get #journal(): string {
    return path.join(this.#folder, 'journal')
  }

  /** Who ran what, in this order. */
  runs(): { pid: number; id: number }[] {
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

  /** What a worker does from its first task on; `atEnd`: from its last one on, to its end. */
  async record(atEnd: boolean): Promise<Access[]> {
    const file = path.join(this.#folder, 'accesses')
    const calls = [this.#call(id => this.pool.apply(recording, [id, file]))]
    if (!atEnd) {
      calls.push(...this.#batch())
      await settled(calls)
      await this.pool.apply(recorded, [file])
    }
    await this.end()
    return JSON.parse(readFileSync(file, 'utf8'))
  }

  /** Its worker dies before access `k` from its first task on; `atEnd`: from its last one on. */
  async die(k: number, atEnd: boolean): Promise<void> {
    const calls = [this.#call(id => this.pool.apply(armed, [id, k]))]
    const { id } = calls[0]
    if (!atEnd) calls.push(...this.#batch())
    else this.pool.close()
    await settled(calls)
    const { pid } = this.runs().find(run => run.id === id) as { pid: number }
    for (let round = 0; !atEnd && isAlive(pid) && round < ROUNDS; round++) {
      const more = this.#batch()
      calls.push(...more)
      await settled(more)
    }
    if (atEnd) await this.end()
    assert.ok(!isAlive(pid), 'it has died')
    const further = atEnd
      ? []
      : await this.pool.map(small, [this.#next++, this.#next++, this.#next++], { chunksize: 1 })
    assert.deepEqual(
      further.map(id => id - this.#next),
      atEnd ? [] : [-3, -2, -1],
    )
    await until(() => participants(currentSession().w).every(one => one.pid !== pid), LIMIT, 'its recovery')
    await sound('after its death')
    await this.#audit(calls, pid)
  }

  /** Nothing is missing, nothing came twice. */
  async #audit(calls: readonly Call[], dead: number): Promise<void> {
    const first = calls[0].id
    const runs = this.runs().filter(({ id }) => id >= first)
    const lastOfDead = runs.filter(({ pid }) => pid === dead).at(-1)?.id as number
    const inHand = [lastOfDead, lastOfDead + 1]
    let lost = 0
    for (const { id, wanted, result } of calls) {
      const got = await result
      const times = runs.filter(run => run.id === id).length
      if (got instanceof WorkerDiedError) {
        lost++
        assert.equal(this.retries, 0, `task ${id} was to be run again`)
        assert.equal(got.pid, dead)
        assert.ok(inHand.includes(id), `task ${id} is lost, the dead one had run ${lastOfDead}`)
        assert.ok(times <= 1, `task ${id} was run ${times} times`)
        continue
      }
      assert.deepEqual(got, wanted, `of task ${id}`)
      const again = this.retries > 0 && id === lastOfDead ? 1 : 0
      assert.ok(times === 1 || times === 1 + again, `task ${id} was run ${times} times`)
    }
    assert.ok(lost <= 1, `${lost} tasks are lost`)
  }

  async end(): Promise<void> {
    this.pool.close()
    await bounded(this.pool.join(), 'the end of the pool')
  }
}

const settled = (calls: readonly Call[]): Promise<unknown> =>
  bounded(Promise.all(calls.map(({ result }) => result)), 'all calls to be settled')

async function bounded<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${LIMIT} ms in vain for ${what}`)), LIMIT)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Before which accesses to die, counted from 1: every write, or the first of those at the same lines. */
function pointsOf(accesses: readonly Access[]): number[] {
  const met = new Set<string>()
  return accesses.flatMap(({ writes, lines }, i) => {
    const where = WHERE.map(pattern => lines.find(line => pattern.test(line))).join(' ')
    if (!writes || (!EXHAUSTIVE && met.has(where))) return []
    met.add(where)
    return [i + 1]
  })
}

for (const retries of [0, 1]) {
  const fate = retries === 0 ? 'fails with WorkerDiedError' : 'is run again'

  test(`Pool: a worker that is killed before any access costs the one task in hand, which ${fate}`, async t => {
    const points = pointsOf(await new Life(t, retries).record(false))
    await sound('before')
    const before = await blocks()
    const life = new Life(t, retries)
    for (const k of points) {
      try {
        await life.die(k, false)
      } catch (error) {
        throw new Error(`killed before access ${k}: ${(error as Error).message}`, { cause: error })
      }
    }
    await life.end()
    t.diagnostic(`${points.length} deaths`)
    await nothingLeft(before)
  })
}

test('Pool: a worker that is killed before any access on its way out does not keep close() and join() from ending', async t => {
  const points = pointsOf(await new Life(t, 0).record(true))
  await sound('before')
  const before = await blocks()
  for (const k of points) {
    try {
      await new Life(t, 0).die(k, true)
    } catch (error) {
      throw new Error(`killed before access ${k}: ${(error as Error).message}`, { cause: error })
    }
  }
  t.diagnostic(`${points.length} deaths`)
  await nothingLeft(before)
})

async function nothingLeft(before: number): Promise<void> {
  await until(() => nobodyElse([]), LIMIT, 'everybody to be gone')
  await sound('at the end')
  let left = before
  const whole = async () => {
    left = await blocks(1)
    return left === before
  }
  await until(whole, LIMIT, () => `the ${left - before} blocks of memory that are left behind to be given back`)
}

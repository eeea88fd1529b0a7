// A worker of a pool is killed before any access to shared memory, in every part of its life. Whatever it was at: every call is
// settled, one at the most by WorkerDiedError, the one that it had in hand; the pool goes on, and ends when it shall.
import { type TestContext, test } from 'node:test'
import { until } from '../support/children.js'
import { goesOn, Life, type Part } from './pool-life.js'
import { rungLines, writesOf } from './pool-points.js'
import { LIMIT } from './sleeper.js'
import { blocks, nobodyElse, sound } from './sweep.js'

// the workers' accesses are counted, ours are not
const preload = new URL('./without-ticks.js', import.meta.url).href
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --conditions=crash --import=${preload}`

/** `most`: deaths, if not every one counts: each costs at least the start of a worker. */
async function sweepPart(t: TestContext, most: number, part: Part, retries: number, processes = 1): Promise<void> {
  const accesses = await new Life(t, part, retries).record()
  const points = [...(part === 'wait' ? rungLines().map(line => [line]) : []), ...writesOf(accesses, most)]
  await sound('before')
  const before = await blocks()
  let life = new Life(t, part, retries, processes)
  for (const k of points) {
    try {
      await life.die(k)
    } catch (error) {
      throw new Error(`killed before access ${k} of ${accesses.length}: ${(error as Error).message}`, { cause: error })
    }
    if (!goesOn(part)) life = new Life(t, part, retries, processes)
  }
  await life.end()
  t.diagnostic(`${points.length} deaths`)
  await until(() => nobodyElse([]), LIMIT, 'everybody to be gone')
  await sound('at the end')
  let left = before
  const whole = async () => {
    left = await blocks(1)
    return left === before
  }
  await until(whole, LIMIT, () => `the ${left - before} blocks of memory that are left behind to be given back`)
}

test('Pool: a worker that is killed before any access, at work, costs the one task in hand', t =>
  sweepPart(t, 12, 'work', 0))

test('Pool with retries: a worker that is killed before any access, at work, costs nothing: the task in hand is run again', t =>
  sweepPart(t, 4, 'work', 1))

test('Pool: a worker that is killed before any access while tasks come one by one takes no wake-up from the other one', t =>
  sweepPart(t, 2, 'wait', 0, 2))

test('Pool: a worker that is killed before any access until its first task costs one task at the most', t =>
  sweepPart(t, 3, 'start', 0))

test('Pool: a worker that is killed before any access on its way out does not keep close() and join() from ending', t =>
  sweepPart(t, 3, 'end', 0))

// Slow is not dead: a process is stopped in the middle of an operation. Whoever wants the same waits, gives up in time if told to,
// and takes nothing over; when the process goes on, so does everybody; when it is killed instead, as well.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type Condition, type Held, type Lock, Process, type Queue, TimeoutError } from 'multiproc'
import { currentSession } from '#src/arena/session.js'
import { until } from '../support/children.js'
import { operations } from './groups.js'
import { LIMIT, Sleeper } from './sleeper.js'
import { blocks, closeAll, linesOf, sound } from './sweep.js'
import { stopper } from './victim.js'

/** ms: long enough for a wait to get to its sleep. */
const SHORT = 60

const isStopped = (pid: number): boolean => /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

/** A child that is stopped before the step (or its first access), and what it works on. */
async function stoppedAt(t: TestContext, name: string, step: string | 1): Promise<{ child: Process; given: any }> {
  const given = operations[name].prepare() as Record<string, unknown>
  const child = new Process({
    target: stopper,
    args: [name, step === 1 ? 1 : linesOf(step), given],
    execArgv: ['--conditions=crash'],
    stdio: 'inherit',
  })
  child.start()
  t.after(async () => {
    child.kill()
    await child.join()
    closeAll(given)
  })
  const pid = child.pid as number
  await until(() => !child.isAlive() || isStopped(pid), LIMIT, `${name} to be stopped at ${step}`)
  assert.ok(child.isAlive(), 'it was to be stopped, but ended')
  return { child, given }
}

/** Every way to wait for it ends in time and in vain. */
async function inVain(
  operation: (options: { timeout?: number; signal?: AbortSignal }) => Promise<unknown>,
  operationSync: (options: { timeout: number }) => unknown,
): Promise<void> {
  await assert.rejects(operation({ timeout: SHORT }), TimeoutError)
  assert.throws(() => operationSync({ timeout: SHORT }), TimeoutError)
  await assert.rejects(operation({ timeout: 0 }), TimeoutError)
  assert.throws(() => operationSync({ timeout: 0 }), TimeoutError)
  const reason = new Error('changed my mind')
  const abort = new AbortController()
  const aborted = operation({ signal: abort.signal })
  setTimeout(() => abort.abort(reason), SHORT)
  await assert.rejects(aborted, reason)
  currentSession().lookForDead()
}

async function goesOn(child: Process, how: 'SIGCONT' | 'SIGKILL'): Promise<void> {
  process.kill(child.pid as number, how)
  await child.join({ timeout: LIMIT })
  assert.equal(child.exitCode, how === 'SIGCONT' ? 0 : -9)
}

for (const how of ['SIGCONT', 'SIGKILL'] as const) {
  const fate = how === 'SIGCONT' ? 'goes on' : 'is then killed'

  test(`Queue.put(): a process that is stopped in the middle of one and ${fate} is waited for, with timeouts`, async t => {
    const sleeper = new Sleeper(t)
    const { child, given } = await stoppedAt(t, 'Queue.putNowait() of a small item', 'log.ts [P2]')
    const queue: Queue = given.queue
    assert.equal(queue.qsize(), 2)
    await inVain(
      options => queue.put('late', options),
      options => queue.putSync('late', options),
    )
    assert.deepEqual([queue.getNowait(), queue.getNowait()], ['a', 'b'])
    assert.equal(queue.empty(), true)
    await sleeper.sleepOn({ what: 'get', object: queue, blocking: true })
    const put = queue.put('y', { timeout: LIMIT })
    await goesOn(child, how)
    await put
    const items = [await sleeper.answer()]
    while (!queue.empty()) items.push(queue.getNowait())
    assert.deepEqual(items, how === 'SIGCONT' ? [{ n: 1 }, 'y'] : ['y'])
    await sound(fate)
  })

  test(`Queue.get(): a process that is stopped in the middle of one and ${fate} is waited for, with timeouts`, async t => {
    const sleeper = new Sleeper(t)
    const { child, given } = await stoppedAt(t, 'Queue.getNowait() of a small item', 'log.ts [C3]')
    const queue: Queue = given.queue
    await inVain(
      options => queue.get(options),
      options => queue.getSync(options),
    )
    assert.equal(queue.qsize(), 2)
    queue.putNowait('c')
    await sleeper.sleepOn({ what: 'get', object: queue, blocking: false })
    const got = queue.get({ timeout: LIMIT })
    await goesOn(child, how)
    const items = [await got, await sleeper.answer()]
    while (!queue.empty()) items.push(queue.getNowait())
    const rest = how === 'SIGCONT' ? ['b', 'c'] : [{ n: 1 }, 'b', 'c']
    assert.deepEqual(new Set(items.map(item => JSON.stringify(item))), new Set(rest.map(item => JSON.stringify(item))))
    assert.equal(items.length, rest.length)
    await sound(fate)
  })

  test(`Lock: a holder that is stopped and ${fate} keeps it until then, others wait with timeouts`, async t => {
    const sleeper = new Sleeper(t)
    const { child, given } = await stoppedAt(t, 'Lock.release()', 1)
    const lock: Lock = given.lock
    await inVain(
      options => lock.acquire(options),
      options => lock.acquireSync(options),
    )
    assert.equal(lock.tryAcquire(), null)
    assert.equal(lock.holder, child.pid)
    await sleeper.sleepOn({ what: 'acquire', object: lock, blocking: true })
    const acquired = lock.acquire({ timeout: LIMIT }).then((held: Held) => {
      held.release()
      return held.abandoned ? 'abandoned' : 'held'
    })
    await goesOn(child, how)
    const notices = [await acquired, await sleeper.answer()].sort()
    assert.deepEqual(notices, how === 'SIGCONT' ? ['held', 'held'] : ['abandoned', 'held'])
    await sound(fate)
  })
}

for (const how of ['SIGCONT', 'SIGKILL'] as const) {
  const fate = how === 'SIGCONT' ? 'goes on' : 'is then killed'

  test(`Condition.wait(): a process that is stopped when it gives the lock up is notified all the same, and ${fate}`, async t => {
    const { child, given } = await stoppedAt(t, 'Condition.wait() that begins', 'robust-lock.ts [A4]')
    const condition: Condition = given.condition
    const sleeper = new Sleeper(t)
    await sleeper.sleepOn({ what: 'wait holding it', object: condition, blocking: false })
    await condition.with(() => condition.notify(), { timeout: LIMIT })
    await goesOn(child, how)
    if (how === 'SIGCONT') await condition.with(() => condition.notify(), { timeout: LIMIT })
    // killed, it leaves its notification to the other
    await sleeper.answer()
    assert.equal(condition.locked(), false)
    await sound(fate)
  })
}

test('nothing is left of those who were stopped', async () => {
  await sound('at the end')
  assert.equal(await blocks(), 0)
})

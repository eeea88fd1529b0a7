// What lies in the commons and what lies in a program's own session are never mistaken for each other.
import assert from 'node:assert/strict'
import { Condition, inspect, NotSerializableError, Process, SharedArray, share, Value } from 'multiproc'
import { takeOne } from '../../fixtures/conformance-share.ts'
import { until } from '../../support/children.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'
import { held } from './creating.ts'
import { fresh, output, program } from './program.ts'

const refused = (path: string) => (error: unknown) =>
  error instanceof NotSerializableError && error.path === path && /share\(\)/.test(error.message)

export function mixing({ make, test }: Suite): void {
  test('share(): a handle of this program’s own cannot be put into what is shared; the error names it, nothing is put', async () => {
    const [queue, lock] = [await share(fresh(), () => make.queue()), await make.lock()]
    await assert.rejects(queue.put({ jobs: [1, { lock }] }), refused('jobs[1].lock'))
    assert.throws(() => queue.putSync(new Map([['a', lock]])), refused('value.get("a")'))
    assert.throws(() => queue.putNowait(lock), refused('value'))
    assert.equal(queue.qsize(), 0)
    await assert.rejects(
      share(fresh(), () => ({ mine: lock })),
      refused('mine'),
    )
    await assert.rejects(
      share(fresh(), () => lock),
      refused('value'),
    )
    queue.close()
  })

  test('share(): what is shared cannot go into this program’s own queues, values and arguments', async () => {
    const [lock, queue] = [await share(fresh(), () => make.lock()), await make.queue()]
    assert.throws(() => queue.putNowait([lock]), refused('value[0]'))
    assert.equal(queue.qsize(), 0)
    assert.throws(() => new Value('i', 0, { lock }), refused('options.lock'))
    assert.throws(() => new SharedArray('i', 3, { lock }), refused('options.lock'))
    assert.throws(() => new Condition(lock), refused('lock'))
    const child = new Process({ target: takeOne, args: [queue, { deep: [lock] }] as never })
    assert.throws(() => child.start(), refused('args[1].deep[0]'))
    lock.close()
  })

  test('share(): handles of what is shared travel in what is shared', async t => {
    const name = fresh()
    const { queue, lock } = await share(name, async () => ({
      queue: await make.queue<unknown>(),
      lock: await make.lock(),
    }))
    const value = await share(fresh(), () => make.value('i', 0, { lock }))
    queue.putNowait({ lock, value })
    const said = program(
      t,
      `const { queue, lock } = await share(name, () => null)
       const item = await queue.get()
       console.log(item.lock === lock, item.value.add(2), item.value.getLock() === lock)`,
      { name },
    )
    assert.equal(await output(said), 'true 2 true')
    assert.equal(value.value, 2)
    for (const object of [queue, lock, value]) object.close()
  })

  test('share(): what is made while create runs elsewhere in the process lies in the program’s own session', async t => {
    const name = fresh()
    const { create, began, goOn } = held(async () => {
      await null
      return { queue: await make.queue<number>(), value: await make.value('i', 0) }
    })
    const sharing = share(name, create)
    await began
    const own = await make.queue<number>()
    const child = launch(t, make, takeOne, own)
    own.putNowait(1)
    assert.equal(await ended(child), 0)
    goOn()
    const { queue, value } = await sharing
    assert.throws(() => own.putNowait(queue as never), refused('value'))
    own.close()
    queue.close()
    value.close()
  })

  test('share(): a Process started inside create is this program’s own child', async t => {
    const name = fresh()
    const own = await make.queue<number>()
    own.putNowait(1)
    const lock = await share(name, async () => {
      assert.equal(await ended(launch(t, make, takeOne, own)), 0)
      return make.lock()
    })
    lock.close()
    own.close()
  })

  test('share(): what create left running makes its objects in the program’s own session', async () => {
    const own = await make.queue<unknown>()
    let later: Promise<unknown> | undefined
    const lock = await share(fresh(), async () => {
      later = (async () => {
        await new Promise(resolve => setTimeout(resolve, 20))
        own.putNowait(await make.lock())
      })()
      return make.lock()
    })
    const another = held(() => make.lock())
    const meanwhile = share(fresh(), another.create)
    await another.began
    await later
    assert.equal(own.qsize(), 1)
    another.goOn()
    ;(await meanwhile).close()
    lock.close()
  })

  test('share(): a thread that blocks in its own session stands aside for others in what is shared, and comes back', async t => {
    const name = fresh()
    const go = await share(fresh(), () => make.event())
    const queue = await share(name, () => make.queue<number>())
    const both = program(
      t,
      `const queue = await share(name, () => null)
       const own = new Lock()
       queue.get().then(item => console.log('item', item))
       await new Promise(resolve => setTimeout(resolve, 50))
       own.acquireSync()
       console.log('blocks')
       try { own.acquireSync({ timeout: 6000 }) } catch { console.log('came back') }`,
      { name },
    )
    await both.printed('blocks', LIMIT)
    const waits = () => inspect().objects.some(one => one.name === name && one.waiters.includes(both.pid))
    await until(() => !waits(), 5_500, 'it to stand aside')
    await both.printed('came back', LIMIT)
    await until(waits, LIMIT, 'it to come back')
    queue.putNowait(3)
    assert.equal((await output(both)).includes('item 3'), true)
    go.close()
    queue.close()
  })
}

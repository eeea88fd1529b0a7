// Who creates, who waits, and what happens when it fails.
import assert from 'node:assert/strict'
import { inspect, type Lock, share } from 'multiproc'
import { until } from '../../support/children.ts'
import { LIMIT } from '../implementation.ts'
import type { Suite } from '../suite.ts'
import { fresh, output, program, waitsFor } from './program.ts'

/** A create() that is under way until it is told to go on. */
export function held<T>(make: () => T | Promise<T>): {
  create(): Promise<T>
  began: Promise<void>
  goOn(error?: unknown): void
} {
  let begin: () => void
  let goOn: (error?: unknown) => void
  const began = new Promise<void>(resolve => (begin = resolve))
  const gate = new Promise<void>(
    (resolve, reject) => (goOn = error => (error === undefined ? resolve() : reject(error))),
  )
  return {
    began,
    goOn: error => goOn(error),
    async create() {
      begin()
      await gate
      return make()
    },
  }
}

export function creating({ make, test, death }: Suite): void {
  test('share(): of many programs that come at the same moment exactly one creates', async t => {
    const [name, go, counted] = [fresh(), fresh(), fresh()]
    const start = await share(go, () => make.event())
    const created = await share(counted, () => make.value('i', 0))
    const programs = [1, 2, 3, 4, 5].map(() =>
      program(
        t,
        `const start = await share(go, () => { throw new Error() })
         const created = await share(counted, () => { throw new Error() })
         console.log('here')
         start.waitSync()
         const lock = await share(name, async () => { created.add(1); await null; return new Lock() })
         await lock.with(() => created.add(100))
         console.log('got it')
         setInterval(() => {}, 1000)`,
        { name, go, counted },
      ),
    )
    for (const one of programs) await one.printed('here', LIMIT)
    start.set()
    for (const one of programs) await one.printed('got it', LIMIT) // all stay: with the last of them it would be gone
    assert.equal(created.value, 501)
    for (const object of [start, created]) object.close()
  })

  test('share(): whoever comes while another creates waits, and gets what that one made', async t => {
    const name = fresh()
    const { create, began, goOn } = held(() => make.lock())
    const mine = share(name, create)
    await began
    const other = program(
      t,
      `const lock = await share(name, () => { throw new Error('created twice') })
       console.log(lock.holder)`,
      { name },
    )
    const here = share(name, () => assert.fail('created twice'))
    await waitsFor(other.pid, name)
    goOn()
    const lock = await mine
    assert.equal(await here, lock)
    assert.equal(await output(other), 'null')
    lock.close()
  })

  test('share(): an error of create is its caller’s; the next that waits creates', async t => {
    const name = fresh()
    const { create, began, goOn } = held(() => make.lock())
    const mine = share(name, create)
    await began
    const other = program(
      t,
      `const lock = await share(name, () => (console.log('created there'), new Lock()))
       await lock.acquire()
       console.log('acquired')
       setInterval(() => {}, 1000)`,
      { name },
    )
    await waitsFor(other.pid, name)
    const error = new Error('mine')
    goOn(error)
    await assert.rejects(mine, thrown => thrown === error)
    await other.printed('acquired', LIMIT)
    assert.match(other.stdout, /created there/)
    const lock = await share<Lock>(name, () => assert.fail('created twice'))
    assert.equal(lock.holder, other.pid)
    lock.close()
  })

  test('share(): errors of create, thrown or rejected, one after the other in one process; then it succeeds', async () => {
    const name = fresh()
    await assert.rejects(
      share(name, () => assert.fail('first')),
      /first/,
    )
    await assert.rejects(
      share(name, () => Promise.reject('second')),
      thrown => thrown === 'second',
    )
    const three = [1, 2, 3].map(n =>
      share(name, async () => {
        await null
        if (n < 3) throw new Error(`${n}`)
        return make.event()
      }),
    )
    const [one, two, last] = await Promise.allSettled(three)
    assert.equal(one.status, 'rejected')
    assert.equal(two.status, 'rejected')
    assert.equal(last.status, 'fulfilled')
    if (last.status === 'fulfilled') last.value.close()
    assert.deepEqual(
      inspect().objects.filter(object => object.name === name),
      [],
    )
  })

  test('share(): what create gives must be able to be shared; otherwise its caller is told, and the next creates', async () => {
    const name = fresh()
    const closed = async () => {
      const lock = await make.lock()
      lock.close()
      return lock
    }
    for (const value of [undefined, null, 7, 'text']) {
      await assert.rejects(
        share(name, () => value as never),
        { name: 'ArgumentTypeError', message: /^Expected `create` to give an object/ },
      )
    }
    await assert.rejects(share(name, closed), { name: 'ClosedError' })
    await assert.rejects(
      share(name, () => ({ on: { done: () => {} } })),
      { name: 'NotSerializableError', path: 'on.done' },
    )
    await assert.rejects(
      share(name, () => () => {}),
      { name: 'NotSerializableError', path: 'value' },
    )
    const lock = await share(name, () => make.lock())
    lock.close()
  })

  test('share() from inside create makes what it needs; its own name is refused', async () => {
    const [outer, inner] = [fresh(), fresh()]
    const made = await share(outer, async () => {
      const lock = await share(inner, () => make.lock())
      await assert.rejects(
        share(outer, () => make.lock()),
        { name: 'InvalidStateError' },
      )
      await assert.rejects(
        share(inner.concat('!'), () => share(outer, () => make.lock())),
        { name: 'InvalidStateError' },
      )
      return { lock, queue: await make.queue<Lock>() }
    })
    assert.equal(await share<Lock>(inner, () => assert.fail()), made.lock)
    made.queue.putNowait(made.lock)
    assert.equal(made.queue.getNowait(), made.lock)
    made.lock.close()
    made.queue.close()
  })

  test('share() that times out or is aborted while another creates has created nothing', async () => {
    const name = fresh()
    const { create, began, goOn } = held(() => make.lock())
    const mine = share(name, create)
    await began
    const not = () => assert.fail('created twice')
    await assert.rejects(share(name, not, { timeout: 0 }), { code: 'ERR_MULTIPROC_TIMEOUT' })
    await assert.rejects(share(name, not, { timeout: 5 }), { code: 'ERR_MULTIPROC_TIMEOUT' })
    const controller = new AbortController()
    const aborted = share(name, not, { signal: controller.signal })
    await until(() => inspect().objects.some(object => object.name === name && object.waiters.length > 0), LIMIT)
    controller.abort('enough')
    await assert.rejects(aborted, thrown => thrown === 'enough')
    await assert.rejects(share(name, not, { signal: AbortSignal.abort('before') }), thrown => thrown === 'before')
    goOn()
    const lock = await mine
    assert.equal(await share(name, not, { timeout: 0 }), lock)
    lock.close()
  })

  test('share(): a timeout does not end one’s own create', async () => {
    const { create, began, goOn } = held(() => make.lock())
    const name = fresh()
    const mine = share(name, create, { timeout: 0, signal: AbortSignal.timeout(1) })
    await began
    await new Promise(resolve => setTimeout(resolve, 5))
    goOn()
    ;(await mine).close()
  })

  death(
    'share(): a creator that is killed inside create is replaced by the next that waits; what it made is freed',
    async t => {
      const name = fresh()
      const other = program(
        t,
        `await share(name, async () => {
         globalThis.made = [new Lock(), new Queue()]
         made[1].putNowait(new Uint8Array(100_000))
         made[0].acquireSync()
         console.log('creating')
         await new Promise(resolve => setTimeout(resolve, 1e6))
       })`,
        { name },
      )
      await other.printed('creating', LIMIT)
      const made = () => inspect().objects.filter(({ detail }) => (detail.handles as number[]).includes(other.pid))
      assert.deepEqual(
        made()
          .map(({ kind }) => kind)
          .sort(),
        ['Lock', 'Queue', 'Share'],
      )
      const mine = share(name, () => make.lock())
      await waitsFor(process.pid, name)
      other.kill()
      const lock = await mine
      assert.deepEqual(made(), [])
      assert.equal(lock.locked(), false)
      lock.close()
    },
  )

  death('share(): one that waits is killed: the others are served', async t => {
    const name = fresh()
    const { create, began, goOn } = held(() => make.lock())
    const mine = share(name, create)
    await began
    const source = "await share(name, () => { throw new Error('created twice') }); console.log('got it')"
    const [killed, other] = [program(t, source, { name }), program(t, source, { name })]
    await waitsFor(killed.pid, name)
    await waitsFor(other.pid, name)
    killed.kill()
    await killed.ended
    goOn()
    const lock = await mine
    assert.equal(await output(other), 'got it')
    lock.close()
  })
}

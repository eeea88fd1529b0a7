// What wait() promises of any mix of objects.
import assert from 'node:assert/strict'
import { ClosedError, InvalidStateError, TimeoutError, wait } from 'multiproc'
import { call, hold, type Outcome } from '../fixtures/conformance.ts'
import { endWhenTold, holdEnd, sendNumbers } from '../fixtures/conformance-connection.ts'
import { type Except, type Implementation, LIMIT, launch } from './implementation.ts'
import { asleep, ended, killed, suite } from './suite.ts'

export function waitSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('wait()', make, except, [
    ({ make, test, death }) => {
      test('wait() gives those that are ready, in the order they came in, and takes nothing', async () => {
        const [queue, event, lock, [a, b]] = [
          await make.queue(),
          await make.event(),
          await make.lock(),
          await make.pipe(),
        ]
        const all = [b, queue, lock, event]
        assert.deepEqual(await wait(all, { timeout: 0 }), [lock])
        const held = lock.acquireSync()
        assert.deepEqual(await wait(all, { timeout: 10 }), [])
        await queue.put(1)
        assert.deepEqual(await wait(all), [queue])
        event.set()
        assert.deepEqual(await wait(all), [queue, event])
        await a.send(1)
        held.release()
        assert.deepEqual(await wait(all), all)
        assert.deepEqual(await wait(new Set([event, b])), [event, b])
        assert.deepEqual(await wait([b, b]), [b, b])
        assert.deepEqual([await b.recv(), await queue.get()], [1, 1])
      })

      test('wait() wakes for whatever comes first, by this process', async () => {
        const [queue, event, lock, [a, b]] = [
          await make.queue(),
          await make.event(),
          await make.lock(),
          await make.pipe(),
        ]
        const held = lock.acquireSync()
        const all = [b, queue, lock, event]
        const changes: [unknown, () => unknown, () => unknown][] = [
          [b, () => a.send(1), () => b.recv()],
          [queue, () => queue.put(1), () => queue.get()],
          [event, () => event.set(), () => event.clear()],
          [lock, () => held.release(), () => lock.acquire()],
          [queue, () => queue.shutdown(), () => {}],
        ]
        for (const [object, change, undo] of changes) {
          const waits = wait(all)
          await new Promise(setImmediate)
          await change()
          assert.deepEqual(await waits, [object])
          await undo()
        }
      })

      test('wait() sees an event that was set and cleared again at once', async () => {
        const event = await make.event()
        const waits = wait([event])
        event.set()
        event.clear()
        assert.deepEqual(await waits, [event])
        assert.deepEqual(await wait([event], { timeout: 0 }), [])
      })

      test('wait() of an empty list is answered at once', async () => {
        assert.deepEqual(await wait([]), [])
        assert.deepEqual(await wait(new Set(), { timeout: LIMIT }), [])
      })

      test('wait() that is aborted rejects with the reason, before and while it waits', async () => {
        const why = new Error('changed my mind')
        const queue = await make.queue()
        await assert.rejects(wait([queue], { signal: AbortSignal.abort(why) }), error => error === why)
        const controller = new AbortController()
        const waits = wait([queue], { signal: controller.signal })
        setImmediate(() => controller.abort(why))
        await assert.rejects(waits, error => error === why)
        await queue.put(1)
        assert.deepEqual(await wait([queue], { signal: new AbortController().signal }), [queue])
      })

      test('wait() leaves what it saw to those who take, here and in other processes', async t => {
        const [queue, to] = [await make.queue(), await make.queue<Outcome>()]
        for (let round = 0; round < 4; round++) {
          const waits = wait([queue])
          await new Promise(resolve => setTimeout(resolve, 5)) // until this process is marked as waiting
          const child = launch(t, make, call, queue, 'getSync', [], to)
          await asleep(make, child)
          queue.putNowait(round) // rings one of the two
          assert.deepEqual(await to.get({ timeout: LIMIT }), { gave: round })
          queue.putNowait('for this process, if it was late')
          assert.deepEqual(await waits, [queue])
          await queue.get()
        }
      })

      test('wait() on queues beside get() of the same process: who gets goes first', async () => {
        const queue = await make.queue()
        const [waits, gets] = [wait([queue], { timeout: 30 }), queue.get()]
        queue.putNowait(1)
        assert.equal(await gets, 1)
        assert.deepEqual(await waits, [])
      })

      test('wait() refuses what cannot be waited for, and says which', async () => {
        const queue = await make.queue()
        for (const bad of [5, null, 'queue', {}, () => {}] as any[]) {
          await assert.rejects(wait([queue, bad]), /objects\[1\]/)
          await assert.rejects(wait([queue, bad]), TypeError)
        }
        for (const bad of [5, null, undefined, queue] as any[]) {
          if (bad !== queue) await assert.rejects(wait(bad), TypeError)
        }
        await assert.rejects(wait([queue], { timeout: 1.5 }), RangeError)
        await assert.rejects(wait([queue], { timeout: '5' } as any), TypeError)
        await assert.rejects(wait([queue], { timout: 5 } as any), /`timout`/)
        await assert.rejects(wait([make.process({ target: endWhenTold } as any)]), InvalidStateError)
        const [, sender] = await make.pipe(false)
        await assert.rejects(wait([sender]), InvalidStateError)
      })

      test('wait() with something closed, before or meanwhile, gets ClosedError', async () => {
        for (const object of [await make.queue(), await make.event(), await make.lock(), (await make.pipe())[0]]) {
          const other = await make.queue()
          if ('acquireSync' in object) object.acquireSync()
          const waits = wait([other, object])
          object.close()
          await assert.rejects(waits, ClosedError)
          await assert.rejects(wait([other, object]), ClosedError)
          await other.put(1)
          assert.deepEqual(await wait([other]), [other])
        }
      })

      test('wait() for a process that ends beside one that goes on', async t => {
        const [goOn, never] = [await make.event(), await make.event()]
        const [one, two] = [launch(t, make, endWhenTold, goOn, 3), launch(t, make, endWhenTold, never, 0)]
        assert.deepEqual(await wait([two, one], { timeout: 10 }), [])
        const waits = wait([two, one])
        goOn.set()
        assert.deepEqual(await waits, [one])
        assert.equal(one.exitCode, 3)
        assert.deepEqual(await wait([two, one]), [one])
        never.set()
        assert.equal(await ended(two), 0)
        assert.deepEqual(await wait([two, one]), [two, one])
      })

      death('wait() for a lock whose holder is killed: it can be acquired', async t => {
        const [lock, held] = [await make.lock(), await make.event()]
        const holder = launch(t, make, hold, lock, 'acquire', held)
        await held.wait({ timeout: LIMIT })
        const waits = wait([lock])
        await killed(make, holder)
        assert.deepEqual(await waits, [lock])
        const mine = lock.tryAcquire()
        assert.equal(mine?.abandoned, true)
        mine?.release()
      })

      death('wait() for a connection whose other end’s holder is killed: it is at its end', async t => {
        const [[a, b], held] = [await make.pipe(), await make.event()]
        const holder = launch(t, make, holdEnd, b, held)
        b.close()
        await held.wait({ timeout: LIMIT })
        const waits = wait([a, holder], { timeout: LIMIT })
        holder.kill()
        assert.ok((await waits).length > 0)
        assert.equal(await ended(holder), -9)
        assert.deepEqual(await wait([a, holder]), [a, holder])
      })

      test('wait() for an RLock that this thread holds: it can be acquired again', async () => {
        const rlock = await make.rlock()
        const held = rlock.acquireSync()
        assert.deepEqual(await wait([rlock], { timeout: 0 }), [rlock])
        held.release()
      })

      test('TestWait.test_wait — four writers merged: every message arrives, and the end removes a reader', async t => {
        const readers = new Set<any>()
        for (let i = 0; i < 4; i++) {
          const [mine, theirs] = await make.pipe(false)
          launch(t, make, sendNumbers, theirs, String(i), 10)
          theirs.close()
          readers.add(mine)
        }
        const got: string[] = []
        while (readers.size > 0) {
          for (const reader of await wait<any>(readers)) {
            try {
              const [name, n] = reader.recvSync({ timeout: 0 })
              got.push(`${name}.${n}`)
            } catch (error) {
              assert.equal((error as { code: string }).code, 'ERR_MULTIPROC_EOF')
              readers.delete(reader)
            }
          }
        }
        const expected = [0, 1, 2, 3].flatMap(i => Array.from({ length: 10 }, (_, n) => `${i}.${n}`))
        assert.deepEqual(got.sort(), expected.sort())
      })

      test('TestWait.test_wait_timeout — nothing ready: nothing, not before the time; one ready: only that', async () => {
        const [a, b] = await make.pipe()
        const began = performance.now()
        assert.deepEqual(await wait([a, b], { timeout: 150 }), [])
        assert.ok(performance.now() - began >= 150)
        await b.send(null)
        assert.deepEqual(await wait([a, b], { timeout: LIMIT }), [a])
      })

      test('TestWait.test_wait_integer — processes and connections mix; at each stage just those that are ready', async t => {
        const [[a, b], goOn] = [await make.pipe(), await make.event()]
        const child = launch(t, make, endWhenTold, goOn, 0)
        const all = [a, child, b]
        assert.deepEqual(await wait(all, { timeout: 20 }), [])
        goOn.set()
        assert.deepEqual(await wait(all, { timeout: LIMIT }), [child])
        await a.send(null)
        assert.deepEqual(await wait(all, { timeout: LIMIT }), [child, b])
        await b.send(null)
        assert.deepEqual(await wait(all, { timeout: LIMIT }), all)
        assert.equal(await ended(child), 0)
      })

      test('TestWait.test_neg_timeout — a negative timeout returns at once', async () => {
        const [a, b] = await make.pipe()
        assert.deepEqual(await wait([a], { timeout: -1 }), [])
        await b.send(1)
        assert.deepEqual(await wait([a], { timeout: -1000 }), [a])
        await assert.rejects(
          a.recv({ timeout: 0 }).then(() => a.recv({ timeout: 0 })),
          TimeoutError,
        )
      })
    },
  ])
}

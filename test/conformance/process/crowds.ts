// Many children, at once and one after another; what is left of them.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { activeChildren, Event, Queue, Value } from 'multiproc'
import { currentSession, HEADER, participants, UNIT } from '#inside'
import * as targets from '../../fixtures/conformance-process.js'
import { until } from '../../support/children.ts'
import { LIMIT } from '../implementation.ts'
import type { ProcessSuite } from '../process.ts'
import { ended } from '../suite.ts'

const openFiles = () => readdirSync('/proc/self/fd').length
const memoryUsed = () => Atomics.load(currentSession().w, HEADER.usedUnits) * UNIT

export function crowds({ method, test, make, launch }: ProcessSuite): void {
  // more than the bits of two words; of the other ways it is enough that they are more than fit in one
  const most = method === 'spawn' ? 64 : 36
  test(`Process: ${most} children run at the same time, and all end; memory, descriptors and places come back`, async t => {
    const [there, met, leave] = [new Value('i', 0), new Event(), new Event()]
    const round = async (count: number) => {
      there.value = 0
      met.clear()
      leave.clear()
      const children = Array.from({ length: count }, () =>
        launch(t, { target: targets.meet, args: [there, count, met, leave] }),
      )
      await met.wait({ timeout: 150_000 })
      assert.equal(activeChildren().length, count)
      leave.set()
      assert.deepEqual(await Promise.all(children.map(ended)), new Array(count).fill(0))
    }
    await round(2) // what is made once is there
    const before = { memory: memoryUsed(), files: openFiles() }
    await round(most)
    assert.deepEqual(activeChildren(), [])
    const alone = () => participants(currentSession().w).length === 1
    await until(alone, LIMIT, 'the places of all children to be free')
    assert.ok(memoryUsed() <= before.memory + 2 * UNIT, `${before.memory} → ${memoryUsed()} bytes`)
    // spares come and go meanwhile: each is a descriptor or two
    await until(
      () => openFiles() <= before.files + 10,
      LIMIT,
      () => `descriptors: ${before.files} → ${openFiles()}`,
    )
    there.close()
    met.close()
    leave.close()
  })

  test('Process: children that start in the same turn of the event loop are joined without one, in any order', t => {
    const children = [1, 2, 3, 4, 5, 6].map(code => launch(t, { target: targets.exitWith, args: [code] }))
    for (const child of children.toReversed()) child.joinSync({ timeout: LIMIT })
    assert.deepEqual(
      children.map(({ exitCode }) => exitCode),
      [1, 2, 3, 4, 5, 6],
    )
  })

  test('Process: arguments larger than any pipe, and handles nested in them, reach the child', async t => {
    const queue = new Queue<[Uint8Array, { queue: Queue<string> }]>()
    const bytes = new Uint8Array(5_000_000).fill(7)
    const nested = { deep: [{ queue }] }
    const child = launch(t, { target: targets.give, args: [queue, bytes, nested] })
    const [back, handle] = (await queue.get({ timeout: LIMIT })) as unknown as [Uint8Array, typeof nested]
    assert.deepEqual(back, bytes)
    assert.equal(handle.deep[0].queue, queue)
    assert.equal(await ended(child), 0)
    queue.close()
  })

  test('Process.start() with an argument that cannot travel starts nothing, and names it; another then starts', async t => {
    const child = make({ target: targets.give, args: [{ list: [() => 1] }] as never })
    assert.throws(() => child.start(), { code: 'ERR_MULTIPROC_NOT_SERIALIZABLE', path: /list\[0\]/ })
    assert.equal(child.isAlive(), false)
    assert.equal(await ended(launch(t, { target: targets.nothing })), 0)
  })
}

// Objects that are made and dropped, more than the arena has room for, several times over: it does not grow with them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runNode } from '../support/children.ts'

/** Makes `count` objects, drops or closes each, and lets the event loop turn now and then. Prints what is left. */
const churn = (make: string, count: number, close: boolean): string => `
  import { setTimeout } from 'node:timers/promises'
  import { Lock, Queue } from 'multiproc'
  import { currentSession } from '#src/arena/session.js'
  import { collectGarbage } from '#src/os/garbage.js'
  const { allocator } = currentSession()
  const make = () => { ${make} }
  make().close()
  allocator.trim()
  const { used } = allocator.usage()
  // in a function of its own: the frame of the module would keep the last one
  const makeAndDrop = () => {
    const object = make()
    if (${close}) object.close()
  }
  for (let i = 0; i < ${count}; i++) {
    makeAndDrop()
    if ((i & 1023) === 0) await new Promise(setImmediate)
  }
  for (let looks = 0; looks < 200 && allocator.usage().used > used; looks++) {
    collectGarbage()
    await setTimeout(10)
    allocator.trim()
  }
  console.log(JSON.stringify({ grown: allocator.usage().used - used, blocks: allocator.blocks().length }))
`

const objects = { lock: 'return new Lock()', queue: 'const q = new Queue(); q.putNowait({ n: 1 }); return q' }

for (const [make, count, close, title] of [
  [objects.lock, 400_000, false, 'four hundred thousand locks that are dropped'],
  [objects.lock, 400_000, true, 'four hundred thousand locks that are closed'],
  [objects.queue, 100_000, false, 'a hundred thousand queues that are dropped with an item in them'],
  [objects.queue, 100_000, true, 'a hundred thousand queues that are closed with an item in them'],
] as const) {
  test(`${title} fit into 16 MiB, and the arena is as it was`, async () => {
    const { code, stdout, stderr } = await runNode(churn(make, count, close), {
      deadline: 120_000,
      env: { MULTIPROC_MEMORY_LIMIT: '16m' },
    })
    assert.equal(code, 0, stderr)
    assert.deepEqual(JSON.parse(stdout), { grown: 0, blocks: 0 })
  })
}

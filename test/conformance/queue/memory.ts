// What a Queue holds in memory, what it does at the ceiling, and that waiting costs nothing.
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { produce } from '../../fixtures/conformance-queue.ts'
import { run } from '../../support/children.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'

export function memory({ make, test }: Suite): void {
  test('Queue: a hundred thousand puts and gets leave the memory in use as it was', async () => {
    const queue = await make.queue()
    const large = new Uint8Array(100_000)
    const round = async () => {
      for (let n = 0; n < 100_000; n++) {
        queue.putSync(n)
        queue.getSync({ timeout: LIMIT })
      }
      for (let n = 0; n < 200; n++) {
        await queue.put({ n, large })
        await queue.get()
      }
    }
    await round()
    const before = make.memoryUsed()
    await round()
    assert.ok(make.memoryUsed() - before <= 2 * make.memoryStep, `${make.memoryUsed() - before} bytes more`)
  })

  test('Queue: a backlog that was taken leaves the memory in use as it was', async () => {
    const queue = await make.queue()
    const round = async () => {
      for (let n = 0; n < 20_000; n++) queue.putSync({ n, text: 'x'.repeat(n % 100) })
      for (let n = 0; n < 100; n++) queue.putSync(new Uint8Array(50_000))
      while (!queue.empty()) await queue.getMany(1000)
    }
    await round()
    const before = make.memoryUsed()
    await round()
    assert.ok(make.memoryUsed() - before <= 2 * make.memoryStep, `${make.memoryUsed() - before} bytes more`)
  })

  test('Queue: queues that were made and closed leave the memory in use as it was', async () => {
    const round = async () => {
      for (let n = 0; n < 2_000; n++) {
        const queue = await make.queue()
        queue.putNowait([n])
        queue.close()
      }
    }
    await round()
    const before = make.memoryUsed()
    await round()
    assert.ok(make.memoryUsed() - before <= 2 * make.memoryStep, `${make.memoryUsed() - before} bytes more`)
  })

  test('Queue: a producer of 1 MB ends, and can be joined, before anybody takes an item', async t => {
    const queue = await make.queue<[string, number]>()
    const producer = launch(t, make, produce, queue, 'x'.repeat(1_000), 1_000, 'put')
    assert.equal(await ended(producer), 0)
    for (let n = 0; n < 1_000; n++) assert.equal((await queue.get())[1], n)
    assert.equal(queue.empty(), true)
  })

  for (const form of ['put', 'putSync', 'putNowait', 'putMany']) {
    test(`Queue.${form}() at the memory's ceiling throws OutOfSharedMemoryError, puts nothing, and works again after gets`, async () => {
      const program = fileURLToPath(new URL('../../fixtures/conformance-ceiling.js', import.meta.url))
      const { stdout, stderr, code } = await run([process.execPath, program, form], {
        env: { MULTIPROC_MEMORY_LIMIT: '16M' },
        deadline: LIMIT,
      })
      assert.equal(stderr, '')
      assert.equal(stdout, 'as promised')
      assert.equal(code, 0)
    })
  }
}

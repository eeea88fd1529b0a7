// Collecting is asked for by a flag of the whole process; each thread has a heap of its own.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'

const THREADS = 8

/** Asks for it side by side with the others. */
const source = `
  const { parentPort, workerData } = require('node:worker_threads')
  let failure
  import(workerData.module).then(({ collectGarbage }) => {
    if (Atomics.add(workerData.there, 0, 1) === ${THREADS} - 1) {
      Atomics.store(workerData.there, 1, 1)
      Atomics.notify(workerData.there, 1)
    } else Atomics.wait(workerData.there, 1, 0, 10_000)
    try {
      collectGarbage()
    } catch (error) {
      failure = error
    }
    parentPort.postMessage({ failure, leaked: typeof globalThis.gc })
  })
`

test('collectGarbage() by many threads for the first time at once works in each, and shows none of them to the program', async () => {
  const module = import.meta.resolve('#src/os/garbage.js')
  for (let round = 0; round < 5; round++) {
    const there = new Int32Array(new SharedArrayBuffer(8))
    const workers = Array.from(
      { length: THREADS },
      () => new Worker(source, { eval: true, workerData: { module, there } }),
    )
    const said = await Promise.all(workers.map(worker => once(worker, 'message')))
    await Promise.all(workers.map(worker => worker.terminate()))
    for (const [{ failure, leaked }] of said) {
      assert.equal(failure, undefined)
      assert.equal(leaked, 'undefined')
    }
  }
})

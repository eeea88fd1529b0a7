import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { threadExists, threadId, yieldCpu } from '#src/os/thread.js'

test('threadId() of the main thread is the process id, and of a worker thread a task of the same process', async () => {
  assert.equal(threadId(), process.pid)
  const program = `
    const { parentPort } = await import('node:worker_threads')
    const { threadId } = await import(${JSON.stringify(import.meta.resolve('#src/os/thread.js'))})
    parentPort.postMessage(threadId())
    setInterval(() => {}, 1000)`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`))
  const id = await new Promise<number>((resolve, reject) => worker.on('message', resolve).on('error', reject))
  assert.notEqual(id, process.pid)
  assert.ok(readdirSync('/proc/self/task').includes(String(id)))
  assert.deepEqual([threadExists(id), threadExists(threadId())], [true, true])
  await worker.terminate()
  assert.equal(threadExists(id), false)
})

test('yieldCpu() returns', () => {
  yieldCpu()
})

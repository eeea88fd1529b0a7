// Writing to a descriptor when nobody reads.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { closeFd, createPipe, drain } from '#inside'
import { until } from '../support/children.js'

/** Looks at the writer in a row: the engine itself lets a thread that spins sleep now and then. */
const LOOKS = 10

test('print() to a pipe that is full sleeps until somebody reads', async t => {
  const { read, write } = createPipe()
  t.after(() => [read, write].forEach(closeFd))
  const program = `
    import { readlinkSync } from 'node:fs'
    import { parentPort } from 'node:worker_threads'
    import { print } from '${import.meta.resolve('#inside')}'
    parentPort.postMessage(readlinkSync('/proc/thread-self'))
    print('x'.repeat(1_000_000), ${write})`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`))
  t.after(() => worker.terminate())
  const [thread] = await once(worker, 'message')
  let asleep = 0
  await until(() => {
    asleep = /^State:\s+S/m.test(readFileSync(`/proc/${thread}/status`, 'utf8')) ? asleep + 1 : 0
    return asleep === LOOKS
  })
  const ended = once(worker, 'exit')
  const reading = setInterval(() => drain(read), 1)
  t.after(() => clearInterval(reading))
  assert.deepEqual(await ended, [0])
})

import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { setCloseOnExec } from '#src/os/descriptor.js'
import { libc, SystemCallError } from '#src/os/libc.js'
import { share } from './support.js'

const F_GETFD = 1
const F_SETFD = 2

test('setCloseOnExec() keeps an inherited descriptor out of children', () => {
  const fd = openSync('/dev/null', 'r')
  libc().fcntl(fd, F_SETFD, 0) // as if inherited
  setCloseOnExec(fd)
  assert.equal(libc().fcntl(fd, F_GETFD, 0), 1)
  closeSync(fd)
  assert.throws(() => setCloseOnExec(99_999), SystemCallError)
})

test('what openForThread() opened in a worker thread is closed when the thread is terminated', async t => {
  const { fd } = share(t)
  const opened = () =>
    readdirSync('/proc/self/fd').filter(name => {
      try {
        return readlinkSync(`/proc/self/fd/${name}`).includes('memfd:multiproc-test')
      } catch {
        return false // the descriptor this listing was read through
      }
    }).length
  const before = opened()
  const program = `
    const { workerData, parentPort } = await import('node:worker_threads')
    const { openOwn } = await import(${JSON.stringify(import.meta.resolve('#src/os/ofd-lock.js'))})
    openOwn(workerData)
    parentPort.postMessage('opened')
    setInterval(() => {}, 1000)`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), { workerData: fd })
  t.after(() => worker.terminate())
  await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))
  assert.equal(opened(), before + 1)
  await worker.terminate()
  assert.equal(opened(), before)
})

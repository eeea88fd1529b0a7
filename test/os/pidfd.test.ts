import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { closeFd } from '#src/os/descriptor.js'
import { openPidfd, signalPid } from '#src/os/pidfd.js'
import { pollReadable } from '#src/os/poll.js'
import { share, startChild, untilBlocking } from './support.js'

test('openPidfd() becomes readable when the process ends', async t => {
  const child = await startChild(t, 'idle', share(t))
  const fd = openPidfd(child.pid)
  if (fd === undefined) return t.skip('this kernel has no pidfds')
  assert.equal(pollReadable([fd], 0), false)
  const exit = once(child, 'exit')
  assert.equal(signalPid(child.pid, 9), true)
  untilBlocking('the pidfd is readable', () => pollReadable([fd], 250))
  assert.equal(openPidfd(child.pid) === undefined, false, 'a zombie can still be opened')
  await exit
  assert.equal(openPidfd(child.pid), undefined)
  assert.equal(signalPid(child.pid, 0), false)
  closeFd(fd)
})

test('signalPid() refuses what would signal whole groups', () => {
  for (const pid of [0, -1, 1.5, Number.NaN]) assert.throws(() => signalPid(pid, 0), RangeError)
})

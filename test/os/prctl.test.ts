import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signalPid } from '#src/os/pidfd.js'
import { dieWithParent, parentPid } from '#src/os/prctl.js'
import { OWNER_DIED } from '#src/os/robust-mutex.js'
import { ANSWER, ANSWER_2, kill, share, startChild, TOKEN_OFFSET, until } from './support.js'

test('dieWithParent() ends the process when its parent is killed', async t => {
  const shared = share(t)
  const parent = await startChild(t, 'parent', shared)
  const { words } = shared
  const token = () => Atomics.load(words, TOKEN_OFFSET / 4 + words[ANSWER])
  t.after(() => {
    if ((token() & OWNER_DIED) === 0) signalPid(words[ANSWER_2], 9) // still alive: the test failed
  })
  assert.equal(token(), words[ANSWER_2])
  await kill(parent)
  await until('the grandchild died', () => (token() & OWNER_DIED) !== 0)
})

test('dieWithParent() refuses a number that is no signal', () => {
  assert.throws(() => dieWithParent(1000), { code: 'ERR_MULTIPROC_SYSTEM', errno: 'EINVAL' })
})

test('parentPid() is the process that started this one', () => {
  assert.equal(parentPid(), process.ppid)
})

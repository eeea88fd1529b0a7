// A child that comes too late, when its place has been given to another: the other one is not harmed by it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Process } from 'multiproc'
import { join, participants } from '#src/arena/participants.js'
import { currentSession } from '#src/arena/session.js'
import { slotOf } from '#src/arena/token.js'
import { closeFd } from '#src/os/descriptor.js'
import { isByteLocked, lockByte, openOwn, unlockByte } from '#src/os/ofd-lock.js'
import { sleep } from '../fixtures/process-targets.ts'
import { until } from '../support/children.ts'
import { openFiles } from '../support/processes.ts'

test('a child whose reservation was taken back does not join, and leaves no lock on the place', t => {
  const session = currentSession()
  const token = session.reserve('too late')
  assert.equal(session.withdraw(token), true)
  const late = openOwn(session.fd)
  t.after(() => closeFd(late))
  assert.equal(
    join(session.w, token, late, () => 0n),
    false,
  )
  assert.equal(isByteLocked(session.ownFile, slotOf(token)), false)
})

test('a child whose place one who came too late has locked waits, and lives with a lock of its own', async t => {
  const session = currentSession()
  const token = session.reserve('too late')
  const slot = slotOf(token)
  assert.equal(session.withdraw(token), true)
  const late = openOwn(session.fd)
  t.after(() => closeFd(late))
  assert.equal(lockByte(late, slot), true)

  const child = new Process({ target: sleep, stdio: 'inherit' })
  child.start()
  t.after(async () => {
    child.kill()
    await child.join()
  })
  const record = () => participants(session.w).find(one => one.slot === slot)
  assert.equal(record()?.alive, true, 'the child has the place')
  // it has opened the memory for itself: the lock comes next
  const memories = () => openFiles(child.pid as number).filter(file => file.startsWith('/memfd:multiproc')).length
  await until(() => memories() >= 2)
  assert.equal(record()?.thread, 0, 'it has not joined')
  unlockByte(late, slot)
  await until(() => record()?.thread !== 0)
  assert.equal(isByteLocked(session.ownFile, slot), true)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeFd } from '#src/os/descriptor.js'
import { isByteLocked, lockByte, openOwn } from '#src/os/ofd-lock.js'
import { kill, share, startChild, until } from './support.js'

test('lockByte() keeps out other descriptions of the file, byte by byte', t => {
  const { fd } = share(t)
  const mine = openOwn(fd)
  const other = openOwn(fd)
  assert.equal(lockByte(mine, 7), true)
  assert.equal(lockByte(other, 7), false)
  assert.equal(lockByte(other, 8), true)
  assert.equal(isByteLocked(other, 7), true)
  assert.equal(isByteLocked(mine, 7), false) // its own lock is not in its way
  assert.equal(isByteLocked(mine, 8), true)
  assert.equal(isByteLocked(mine, 2 ** 40), false)
  closeFd(mine)
  assert.equal(isByteLocked(other, 7), false)
  closeFd(other)
})

test('lockByte() survives the closing of other descriptors of the file', t => {
  const { fd } = share(t)
  const mine = openOwn(fd)
  assert.equal(lockByte(mine, 7), true)
  closeFd(openOwn(fd))
  assert.equal(isByteLocked(fd, 7), true)
  closeFd(mine)
})

test('lockByte() of a process falls when it is killed', async t => {
  const shared = share(t)
  const child = await startChild(t, 'ofd-lock', shared)
  assert.equal(isByteLocked(shared.fd, 1000), true)
  assert.equal(isByteLocked(shared.fd, 1001), false)
  await kill(child)
  await until('the lock fell', () => !isByteLocked(shared.fd, 1000))
})

import assert from 'node:assert/strict'
import { ftruncateSync } from 'node:fs'
import { constants } from 'node:os'
import { type TestContext, test } from 'node:test'
import { OutOfSharedMemoryError } from '#src/contract/errors.js'
import { closeFd } from '#src/os/descriptor.js'
import { libc, SystemCallError } from '#src/os/libc.js'
import { mapShared } from '#src/os/mapping.js'
import { allocatedBytes, createMemfd, fileSize, populate, punchHole } from '#src/os/memfd.js'

const MiB = 2 ** 20

function memfd(t: TestContext, size: number): number {
  const fd = createMemfd('multiproc-test', size)
  t.after(() => closeFd(fd))
  return fd
}

test('createMemfd() of a tebibyte costs no memory', t => {
  const fd = memfd(t, 2 ** 40)
  assert.equal(fileSize(fd), 2 ** 40)
  assert.equal(allocatedBytes(fd), 0)
})

test('createMemfd() is close-on-exec and cannot be shrunk', t => {
  const fd = memfd(t, MiB)
  const F_GETFD = 1
  assert.equal(libc().fcntl(fd, F_GETFD, 0) & 1, 1)
  assert.throws(() => ftruncateSync(fd, 4096), { code: 'EPERM' })
})

test('createMemfd() refuses a size it cannot have', () => {
  for (const size of [0, -1, 1.5, 2 ** 40 + 1, Number.NaN]) assert.throws(() => createMemfd('x', size), RangeError)
})

test('populate() allocates exactly these bytes, punchHole() gives them back as zeros', t => {
  const fd = memfd(t, 64 * MiB)
  populate(fd, 8 * MiB, 4 * MiB)
  assert.equal(allocatedBytes(fd), 4 * MiB)
  assert.equal(fileSize(fd), 64 * MiB)
  const bytes = new Uint8Array(mapShared(fd, 8 * MiB, 4 * MiB).buffer)
  bytes.fill(7)
  punchHole(fd, 8 * MiB, MiB)
  assert.equal(allocatedBytes(fd), 3 * MiB)
  assert.equal(bytes[MiB - 1], 0)
  assert.equal(bytes[MiB], 7)
  assert.equal(fileSize(fd), 64 * MiB)
})

test('populate() keeps what was written before', t => {
  const fd = memfd(t, MiB)
  const bytes = new Uint8Array(mapShared(fd, 0, MiB).buffer)
  bytes[5] = 9
  populate(fd, 0, MiB)
  assert.equal(bytes[5], 9)
})

/** Puts a kernel in the place of ours that answers these errnos, and then succeeds. */
function kernelAnswering(t: TestContext, ...errnos: number[]): number[] {
  const c = libc()
  const real = { fallocate: c.fallocate, errno: c.errno }
  t.after(() => Object.assign(c, real))
  const offsets: number[] = []
  let last = 0
  c.fallocate = (_fd, _mode, offset) => {
    offsets.push(offset)
    last = errnos.shift() ?? 0
    return last === 0 ? 0 : -1
  }
  c.errno = () => last
  return offsets
}

for (const name of ['ENOSPC', 'ENOMEM', 'EDQUOT'] as const) {
  test(`populate() answered ${name} is OutOfSharedMemoryError`, t => {
    kernelAnswering(t, constants.errno[name])
    assert.throws(
      () => populate(3, 0, 4096),
      (error: Error) => {
        assert.ok(error instanceof OutOfSharedMemoryError)
        assert.match(error.message, new RegExp(`4096 more bytes of shared memory \\(${name}\\)`))
        return true
      },
    )
  })
}

test('populate() interrupted by a signal goes on where it was', t => {
  const offsets = kernelAnswering(t, 0, constants.errno.EINTR)
  populate(3, 0, 512 * MiB)
  assert.deepEqual(offsets, [0, 256 * MiB, 256 * MiB])
})

test('populate() and punchHole() on a closed descriptor are SystemCallError', () => {
  assert.throws(() => populate(-1, 0, 4096), SystemCallError)
  assert.throws(() => punchHole(-1, 0, 4096), SystemCallError)
})

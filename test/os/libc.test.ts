import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MultiprocError, UnsupportedPlatformError } from '#src/contract/errors.js'
import { closeFd } from '#src/os/descriptor.js'
import { errnoName, loadKoffi, SystemCallError } from '#src/os/libc.js'

test('koffi that cannot be loaded is UnsupportedPlatformError: the missing package, how to mend it, the cause', () => {
  const cause = new Error('Cannot find module koffi')
  const missing = () => {
    throw cause
  }
  assert.throws(
    () => loadKoffi(missing),
    (error: Error) => {
      assert.ok(error instanceof UnsupportedPlatformError)
      assert.ok(error.message.includes(`@koromix/koffi-${process.platform}-${process.arch}`))
      assert.match(error.message, /npm i.*--omit=optional/)
      assert.equal(error.cause, cause)
      return true
    },
  )
})

test('SystemCallError names the call and the errno', () => {
  assert.throws(
    () => closeFd(-1),
    (error: Error) => {
      assert.ok(error instanceof SystemCallError && error instanceof MultiprocError)
      assert.equal(error.code, 'ERR_MULTIPROC_SYSTEM')
      assert.equal(error.syscall, 'close')
      assert.equal(error.errno, 'EBADF')
      assert.equal(error.message, 'close failed: EBADF (9), descriptor -1')
      return true
    },
  )
})

test('errnoName() names what it knows and numbers the rest', () => {
  assert.equal(errnoName(12), 'ENOMEM')
  assert.equal(errnoName(4095), 'errno 4095')
})

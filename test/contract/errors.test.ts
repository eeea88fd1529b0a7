/** Every error of the package can be told by class and by code. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as errors from '#src/contract/errors.js'
import { ArgumentRangeError, ArgumentTypeError, MultiprocError, TimeoutError } from '#src/contract/errors.js'

const classes = Object.entries(errors) as [string, new (message?: string, options?: any) => MultiprocError][]
const expected: Record<string, string> = {
  TimeoutError: 'ERR_MULTIPROC_TIMEOUT',
  EmptyError: 'ERR_MULTIPROC_EMPTY',
  FullError: 'ERR_MULTIPROC_FULL',
  ShutDownError: 'ERR_MULTIPROC_SHUT_DOWN',
  EOFError: 'ERR_MULTIPROC_EOF',
  BrokenPipeError: 'ERR_MULTIPROC_BROKEN_PIPE',
  BufferTooShortError: 'ERR_MULTIPROC_BUFFER_TOO_SHORT',
  BrokenBarrierError: 'ERR_MULTIPROC_BROKEN_BARRIER',
  AuthenticationError: 'ERR_MULTIPROC_AUTHENTICATION',
  NotSerializableError: 'ERR_MULTIPROC_NOT_SERIALIZABLE',
  RemoteError: 'ERR_MULTIPROC_REMOTE',
  WorkerDiedError: 'ERR_MULTIPROC_WORKER_DIED',
  OutOfSharedMemoryError: 'ERR_MULTIPROC_OUT_OF_SHARED_MEMORY',
  UnsupportedPlatformError: 'ERR_MULTIPROC_UNSUPPORTED_PLATFORM',
}

describe('errors', () => {
  for (const [name, Made] of classes) {
    it(`${name} has its name, a code of its own, message, cause and a stack that begins with them`, () => {
      const error = new Made('why', { cause: 'because' })
      assert.equal(error.name, name)
      assert.equal(error.message, 'why')
      assert.equal(error.cause, 'because')
      assert.match(error.stack!, new RegExp(`^${name}: why\\n.*errors\\.test`))
      assert.ok(error instanceof Made && error instanceof MultiprocError && error instanceof Error)
      if (name in expected) assert.equal(error.code, expected[name])
      assert.match(error.code, /^ERR_MULTIPROC/)
      assert.equal(classes.filter(([, Other]) => new Other().code === error.code).length, 1)
    })
  }

  it('argument errors are TypeError and RangeError, and MultiprocError as well', () => {
    assert.ok(new ArgumentTypeError('x') instanceof TypeError && new ArgumentTypeError('x') instanceof MultiprocError)
    assert.ok(
      new ArgumentRangeError('x') instanceof RangeError && new ArgumentRangeError('x') instanceof MultiprocError,
    )
    assert.ok(!(new ArgumentRangeError('x') instanceof TimeoutError))
  })

  it('of another copy of the package are recognised by their code', async () => {
    const url = new URL(`${import.meta.resolve('#src/contract/errors.js')}?copy`)
    const other = (await import(url.href)) as typeof errors
    assert.notEqual(other.TimeoutError, TimeoutError)
    assert.ok(new other.TimeoutError() instanceof TimeoutError)
    assert.ok(new other.TimeoutError() instanceof MultiprocError)
    assert.ok(new other.ArgumentRangeError() instanceof MultiprocError)
    assert.ok(!(new other.EmptyError() instanceof TimeoutError))
  })

  it('of a subclass of the user’s own are told from those of its base', () => {
    class Mine extends TimeoutError {}
    assert.ok(new Mine() instanceof TimeoutError && new Mine() instanceof Mine)
    assert.ok(!(new TimeoutError() instanceof Mine))
    for (const value of [null, undefined, 5, {}, new Error('x')]) assert.ok(!((value as any) instanceof MultiprocError))
  })

  it('carry what the contract says beside the message', () => {
    assert.equal(new errors.NotSerializableError('x', { path: 'a' }).path, 'a')
    assert.deepEqual(new errors.BufferTooShortError('x', { data: Uint8Array.of(1) }).data, Uint8Array.of(1))
    assert.equal(new errors.WorkerDiedError('x', { exitCode: -9 }).exitCode, -9)
    assert.equal(new errors.WorkerDiedError('x').exitCode, null)
  })
})

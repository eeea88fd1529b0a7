/** Errors keep what tells about them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decode, encodeFailure } from '#src/codec/codec.js'
import { remoteError } from '#src/codec/failure.js'
import { NotSerializableError, RemoteError, TimeoutError } from '#src/contract/errors.js'
import { copy } from './copy.js'

function fail(thrown: unknown): any {
  const message = encodeFailure(thrown)
  const bytes = new Uint8Array(message.byteLength)
  message.writeTo(bytes)
  return decode(bytes, message.headLength, message.handles)
}

describe('an Error', () => {
  for (const Made of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
    it(`${Made.name} arrives as one, with message and stack`, () => {
      const error = new Made('why')
      const copied = copy(error)
      assert.equal(Object.getPrototypeOf(copied), Made.prototype)
      assert.equal(copied.message, 'why')
      assert.equal(copied.name, Made.name)
      assert.equal(copied.stack, error.stack)
      assert.deepEqual(Object.keys(copied), [])
    })
  }

  it('AggregateError keeps its errors', () => {
    const copied = copy(new AggregateError([new TypeError('a'), 'b'], 'all'))
    assert.ok(copied instanceof AggregateError)
    assert.ok(copied.errors[0] instanceof TypeError && copied.errors[0].message === 'a')
    assert.equal(copied.errors[1], 'b')
    assert.deepEqual(Object.keys(copied), [])
  })

  it('keeps its code and other own properties', () => {
    const copied = copy(Object.assign(new Error('no such file'), { code: 'ENOENT', errno: -2, data: { a: [1] } }))
    assert.deepEqual({ ...copied }, { code: 'ENOENT', errno: -2, data: { a: [1] } })
  })

  it('keeps its chain of causes, also one that leads back', () => {
    const error: any = new Error('outer', { cause: new RangeError('inner', { cause: 'text' }) })
    assert.ok(copy(error).cause instanceof RangeError)
    assert.equal(copy(error).cause.cause, 'text')
    error.cause = error
    const copied = copy(error)
    assert.equal(copied.cause, copied)
    assert.equal(Object.hasOwn(copy(new Error('x', { cause: undefined })), 'cause'), true)
  })

  it('of a class of the user’s own arrives as the nearest built-in class, its name kept', () => {
    class HttpError extends TypeError {
      override name = 'HttpError'
      status = 404
    }
    const copied = copy(new HttpError('not found')) as any
    assert.equal(Object.getPrototypeOf(copied), TypeError.prototype)
    assert.equal(copied.name, 'HttpError')
    assert.equal(copied.status, 404)
    assert.equal(String(copied), 'HttpError: not found')
  })

  it('of this package arrives as what it is', () => {
    const copied = copy(new NotSerializableError('no', { path: 'a.b' }))
    assert.equal(Object.getPrototypeOf(copied), NotSerializableError.prototype)
    assert.equal(copied.path, 'a.b')
    assert.equal(copied.code, 'ERR_MULTIPROC_NOT_SERIALIZABLE')
    assert.ok(copy(new TimeoutError()) instanceof TimeoutError)
  })

  it('a DOMException, as an aborted signal gives, keeps name and message', () => {
    const controller = new AbortController()
    controller.abort()
    const copied = copy(controller.signal.reason)
    assert.ok(copied instanceof Error)
    assert.equal(copied.name, 'AbortError')
    assert.equal(copied.message, controller.signal.reason.message)
  })

  it('with a name given to it and no message of its own', () => {
    const error = new Error()
    error.name = 'Odd'
    assert.equal(String(copy(error)), 'Odd')
    assert.equal(Object.hasOwn(copy(new Error()), 'message'), false)
  })
})

describe('encodeFailure()', () => {
  it('sends whatever was thrown as it is, if it can travel', () => {
    for (const thrown of [5, 'text', undefined, null, { a: 1 }]) assert.deepEqual(fail(thrown), thrown)
    assert.equal(fail(new TypeError('x')).constructor, TypeError)
  })

  it('sends an Error with a property that cannot travel without it', () => {
    const copied = fail(Object.assign(new TypeError('x'), { code: 'E', socket: () => 1 }))
    assert.equal(String(copied), 'TypeError: x')
    assert.equal(copied.code, 'E')
    assert.match(copied.stack, /failure\.test/)
  })

  it('sends something even when every part of it throws', () => {
    assert.match(fail(() => 1).message, /a function was thrown/)
    assert.match(fail(Symbol('s')).message, /Symbol\(s\).*was thrown/)
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    assert.match(fail(proxy).message, /was thrown/)
  })
})

describe('RemoteError', () => {
  it('says where and what, and has the original as its cause', () => {
    const cause = fail(new RangeError('too far'))
    const error = remoteError(cause, 'Process-1 (pid 42)')
    assert.ok(error instanceof RemoteError)
    assert.equal(error.message, 'In Process-1 (pid 42): RangeError: too far')
    assert.equal(error.cause, cause)
    assert.match((error.cause as Error).stack!, /failure\.test/)
    assert.equal(remoteError('text', 'P').message, 'In P: "text" (string) was thrown')
  })
})

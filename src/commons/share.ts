/** Objects by name, for processes that did not start each other: meet (meeting.ts), take the name (name.ts), create or attach. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isMaking, makeIn } from '../arena/elsewhere.ts'
import type { Session } from '../arena/session.ts'
import { checkWaitOptions } from '../arena/until.ts'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  InvalidStateError,
  MultiprocError,
  TimeoutError,
} from '../contract/errors.ts'
import { checkFunction, checkString, describe } from '../contract/options.ts'
import type { WaitOptions } from '../contract/waiting.ts'
import { tryMeet } from './meeting.ts'
import { MAX_NAME, type Name, nameOfBytes } from './name.ts'

/** ms: the door to the commons is held for about one. Somebody who holds it for so long was stopped. */
const LONGEST_AT_DOOR = 10_000
/** ms: who gives a short timeout, or none at all, shall not fail because another program starts at the same moment. */
const SHORTEST_AT_DOOR = 100
/** ms: nobody here has a parent that sees it end, and who only tries, and never waits, does not look. Costs microseconds. */
const LOOK_EVERY = 1000

let commons: Session | undefined

/** This thread's place in the commons, if it has one. */
export const joinedCommons = (): Session | undefined => commons

/** Names of values that are more than one handle: held until this process ends. */
const kept = new Set<Name>()

/**
 * An object that processes of the same user share by name although neither started the other: cluster workers, PM2, two
 * terminals. The first to come makes it, the others attach.
 *
 * `create` runs in exactly one of them, however many come at the same moment; what it makes until its promise resolves lies
 * in the memory that they all share. It gives one handle (a lock, a queue …), or an object or array with several; plain data
 * beside them is copied. Everything that goes into such an object must be shared, too.
 *
 * Waits while another creates; awaits, never blocks the event loop. On timeout or abort nothing was created; once `create`
 * runs here, neither ends it.
 *
 * If `create` throws, its error is this call's, and the next one that waits creates. If its process dies, likewise; what it
 * had made is freed. What is shared lives until the last process that called share() for it ends, however it ends, or (a
 * single handle) has called `close()` on it, and is then gone, with nothing left behind. A death is
 * noticed at once by those who take over, within half a second by those who wait, and within a second in any case.
 *
 * Those meet who run on the same machine as the same user, see each other's processes and network (two containers do not),
 * and use the same version of this package. `MULTIPROC_COMMONS=<any text>` in the environment sets a group of programs
 * apart. The first of them decides by MULTIPROC_MEMORY_LIMIT how much memory they can share.
 *
 * @param name 1 to 255 bytes of UTF-8, without '/' and '\0'
 * @throws {TimeoutError} after `timeout` ms · the signal's reason · whatever `create` throws
 * @throws {NotSerializableError} when `create` gives what cannot be shared, such as a lock it did not make itself
 * @throws {ArgumentRangeError} a name that is empty, too long, or has such a character
 * @throws {InvalidStateError} when `create` asks for its own name
 * @throws {OutOfSharedMemoryError} when the shared memory is at its ceiling
 * @example
 * const lock = await share('docs.nightly', () => new Lock())
 * const held = lock.tryAcquire()
 * assert.ok(held) // in every other program of this user it would be null from here on
 * assert.equal(await share('docs.nightly', () => new Lock()), lock)
 */
export async function share<T extends object>(
  name: string,
  create: () => T | Promise<T>,
  options?: WaitOptions,
): Promise<T> {
  const bytes = checkName(name)
  checkFunction('create', create)
  const { timeout, signal } = checkWaitOptions(options)
  signal?.throwIfAborted()
  if (isMaking(name)) {
    throw new InvalidStateError(
      `Expected what ${describe(name)} is to be known to its own \`create\`, but it asks for it by name and would wait for itself; ` +
        'use what it has made',
    )
  }
  const began = performance.now()
  commons ??= await meet(timeout, signal)
  commons.lookForDead()
  const named = nameOfBytes(commons, bytes)
  named.use()
  try {
    const left = timeout === Infinity ? {} : { timeout: Math.max(0, Math.ceil(timeout - (performance.now() - began))) }
    if (!(await named.turn({ ...left, signal }))) await creating(commons, name, named, create)
    return attach<T>(named)
  } finally {
    named.untie()
  }
}

async function creating(session: Session, name: string, named: Name, create: () => unknown): Promise<void> {
  let done = false
  try {
    const value = await makeIn(session, name, create)
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
      throw new ArgumentTypeError(
        `Expected \`create\` to give an object to share, got ${describe(value)}; give a handle such as a Value, or an object`,
      )
    }
    named.fulfil(value)
    done = true
  } finally {
    if (!done) named.giveUp()
  }
}

/** What is shared, which from here on keeps the name. */
function attach<T>(named: Name): T {
  const { value, lone } = named.value()
  if (lone !== undefined) {
    if (lone.tie(named)) named.use()
  } else if (!kept.has(named)) {
    kept.add(named)
    named.use()
  }
  return value as T
}

/** Waits until nobody else is at the door. */
async function meet(timeout: number, signal: AbortSignal | undefined): Promise<Session> {
  const limit = Math.min(LONGEST_AT_DOOR, Math.max(SHORTEST_AT_DOOR, timeout))
  const began = performance.now()
  for (let round = 1; ; round++) {
    if (commons !== undefined) return commons // another call of this thread was quicker
    const session = tryMeet()
    if (session !== undefined) {
      commons = session
      setInterval(() => session.lookForDead(), LOOK_EVERY).unref()
      return session
    }
    if (performance.now() - began > limit) throw held(timeout, limit)
    await sleep(Math.min(20, round), undefined, signal && { signal }).catch(() => signal?.throwIfAborted())
  }
}

function held(timeout: number, waited: number): MultiprocError {
  if (waited === timeout || timeout < waited) return new TimeoutError(`share() timed out after ${timeout} ms`)
  return new MultiprocError(
    `Expected to be let in to what programs share within ${waited / 1000} s, but another process stands in the door; it was ` +
      'stopped (let it go on, or end it), or another user of this machine keeps the name',
  )
}

/** Also a mark of byte order is a part of the name. */
const strict = new TextDecoder('utf-8', { ignoreBOM: true })

function checkName(name: string): Uint8Array {
  checkString('name', name)
  const bytes = new TextEncoder().encode(name)
  if (bytes.length === 0 || bytes.length > MAX_NAME || /[/\0]/.test(name) || strict.decode(bytes) !== name) {
    throw new ArgumentRangeError(
      `Expected \`name\` to be 1 to ${MAX_NAME} bytes of UTF-8 without '/' and '\\0', got ${describe(name)}` +
        (bytes.length > MAX_NAME ? `, which has ${bytes.length}; use a shorter one, or a hash of it` : ''),
    )
  }
  return bytes
}

/** POSIX named semaphores. */
import { inspect } from 'node:util'
import {
  ArgumentRangeError,
  ClosedError,
  FileExistsError,
  FileNotFoundError,
  InvalidStateError,
} from '../contract/errors.ts'
import { checkCount, checkString } from '../contract/options.ts'
import type { SyncWaitOptions, WaitOptions } from '../contract/waiting.ts'
import {
  closeSemaphore,
  giveBack,
  MOST_PERMITS,
  openSemaphore,
  permitsOf,
  takeSoon,
  tryTake,
  unlinkSemaphore,
} from '../os/named-semaphore.ts'
import { type CreationOptions, checkCreation, explained, type Meanings } from './kernel-errors.ts'
import { NONE, Patience, untilSync } from './patience.ts'

export interface NamedSemaphoreOptions extends CreationOptions {
  /** Its value when it is made; of no account when it exists. @default 1 */
  value?: number
}

/** glibc and musl keep it in a file that is called `sem.` and its name. Bytes */
const LONGEST_NAME = 255 - 'sem.'.length

/**
 * A POSIX named semaphore: a number that never falls below 0, which other programs reach by the same name (sem_open() in C).
 * P is acquire(): one less, and waits at 0. V is release(): one more.
 *
 * The kernel knows no owner of what was acquired: a process that dies gives nothing back (the Semaphore of this package
 * does). The name stays, in /dev/shm/sem.<name>, until unlink() or the next boot, whoever dies.
 *
 * Blocking waits sleep in the kernel and are woken at once. The kernel tells nobody's event loop: so awaited ones look after 1,
 * 2, 4, 8 and then every 10 ms, and occupy no thread. Within a process they are served in the order of the calls.
 *
 * @param name 1 to 251 bytes without further slashes; one in front, as POSIX writes it, may be left out
 * @param options `create`: make it when there is none; `exclusive`: and only then; `value`: its first value, default 1; `mode`:
 * rights, default 0o600
 * @throws {FileNotFoundError} ENOENT: there is none of that name
 * @throws {FileExistsError} EEXIST: there is one, and `exclusive` was given
 * @throws {SystemCallError} EACCES: this user may not
 * @throws {ArgumentRangeError} for a name or value that cannot be
 * @example
 * using slots = new NamedSemaphore(`/example-${process.pid}`, { create: true, value: 1 })
 * await slots.acquire()
 * assert.equal(slots.tryAcquire(), false)
 * slots.release()
 * assert.equal(slots.getValue(), 1)
 * slots.unlink()
 */
export class NamedSemaphore implements Disposable {
  /** With a slash in front. */
  readonly name: string
  readonly #waiting = new Patience(true)
  #address: bigint | undefined

  constructor(name: string, options?: NamedSemaphoreOptions) {
    this.name = checkName(name)
    const { more, ...creation } = checkCreation(options, ['value'])
    const value = more.value === undefined ? 1 : checkCount('value', more.value, 0, MOST_PERMITS)
    this.#address = this.#explained(() => openSemaphore(this.name, { ...creation, value }))
  }

  /**
   * P: waits until it is above 0, and makes it one less.
   *
   * Awaits: looks after 1, 2, 4, 8 and then every 10 ms. On timeout or abort nothing was taken. If this process dies, what it has
   * taken is not given back.
   *
   * @throws {TimeoutError} after `timeout` ms · the signal's reason
   * @throws {ClosedError} after close(), also when it comes while waiting
   * @example
   * using slots = new NamedSemaphore(`/example-${process.pid}`, { create: true, value: 0 })
   * slots.unlink() // it lives on without its name
   * await assert.rejects(slots.acquire({ timeout: 10 }), TimeoutError)
   * setTimeout(() => slots.release(), 10)
   * await slots.acquire()
   */
  async acquire(options?: WaitOptions): Promise<void> {
    this.#open()
    return this.#waiting.until('NamedSemaphore.acquire()', () => this.#tryTake(), options)
  }

  /**
   * The same, blocking this thread: asleep in the kernel, for 250 ms at a time.
   *
   * @throws {TimeoutError} after `timeout` ms
   * @throws {ClosedError} after close()
   * @example
   * using slots = new NamedSemaphore(`/example-${process.pid}`, { create: true, value: 1 })
   * slots.unlink()
   * slots.acquireSync()
   * assert.throws(() => slots.acquireSync({ timeout: 10 }), TimeoutError)
   */
  acquireSync(options?: SyncWaitOptions): void {
    const address = this.#open()
    let taken = false
    untilSync(
      'NamedSemaphore.acquireSync()',
      () => (taken || tryTake(address) ? undefined : NONE),
      options,
      left => {
        taken = takeSoon(address, left)
      },
    )
  }

  /**
   * P, if it is above 0 now: true. Does not wait.
   *
   * @throws {ClosedError} after close()
   * @example
   * using slots = new NamedSemaphore(`/example-${process.pid}`, { create: true, value: 1 })
   * slots.unlink()
   * assert.deepEqual([slots.tryAcquire(), slots.tryAcquire()], [true, false])
   */
  tryAcquire(): boolean {
    return tryTake(this.#open())
  }

  #tryTake(): undefined | typeof NONE {
    return tryTake(this.#open()) ? undefined : NONE
  }

  /**
   * V: makes it one more, and wakes one who waits, in whatever program. Does not wait. Anybody may, also who never acquired.
   *
   * @throws {ClosedError} after close()
   * @throws {InvalidStateError} EOVERFLOW: it is as large as it can be, 2³¹ − 1
   * @example
   * using slots = new NamedSemaphore(`/example-${process.pid}`, { create: true, value: 0 })
   * slots.unlink()
   * slots.release()
   * assert.equal(slots.getValue(), 1)
   */
  release(): void {
    const address = this.#open()
    this.#explained(() => giveBack(address))
  }

  /**
   * Its value at this moment, which may have changed when you look at it. Does not wait.
   *
   * @throws {ClosedError} after close()
   * @example
   * using slots = new NamedSemaphore(`/example-${process.pid}`, { create: true, value: 3 })
   * slots.unlink()
   * assert.equal(slots.getValue(), 3)
   */
  getValue(): number {
    return permitsOf(this.#open())
  }

  /**
   * This process is done with it: who awaits it here fails with ClosedError. It stays for others, and under its name. May be
   * called again.
   *
   * @example
   * const slots = new NamedSemaphore(`/example-${process.pid}`, { create: true })
   * slots.unlink()
   * slots.close()
   * assert.throws(() => slots.release(), ClosedError)
   */
  close(): void {
    const address = this.#address
    if (address === undefined) return
    this.#address = undefined
    closeSemaphore(address)
    this.#waiting.fail(this.#closed())
  }

  /** The same as close(). The name stays. */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Takes the name away, also after close(). Those who have it open go on with it; who opens that name from now on makes
   * another.
   *
   * @throws {FileNotFoundError} ENOENT: it is gone already
   * @throws {SystemCallError} EACCES: it is another user's
   * @example
   * using slots = new NamedSemaphore(`/example-${process.pid}`, { create: true })
   * slots.unlink()
   * assert.throws(() => slots.unlink(), FileNotFoundError)
   */
  unlink(): void {
    this.#explained(() => unlinkSemaphore(this.name))
  }

  [inspect.custom](): string {
    const state = this.#address === undefined ? 'closed' : `value: ${this.getValue()}`
    return `NamedSemaphore { ${this.name}, ${state} }`
  }

  #open(): bigint {
    if (this.#address === undefined) throw this.#closed()
    return this.#address
  }

  #closed(): ClosedError {
    return new ClosedError(`Expected the semaphore ${this.name} to be open here, but close() was called`)
  }

  #explained<T>(call: () => T): T {
    return explained(call, () => meaningsOf(this.name))
  }
}

function checkName(name: string): string {
  const bare = checkString('name', name).replace(/^\//, '')
  const bytes = Buffer.byteLength(bare)
  if (bytes === 0 || bytes > LONGEST_NAME || /[/\0]/.test(bare)) {
    throw new ArgumentRangeError(
      `Expected \`name\` to be 1 to ${LONGEST_NAME} bytes, with one slash in front at most and none further on, got ${JSON.stringify(name)}`,
    )
  }
  return `/${bare}`
}

function meaningsOf(name: string): Meanings {
  const noRight = `this user has no right to the semaphore ${name}: run as its owner, or make it with a wider \`mode\``
  return {
    ENOENT: cause =>
      new FileNotFoundError(
        `Expected a semaphore named ${name}, but there is none (ENOENT); give \`create: true\`, or start who makes it first`,
        cause,
      ),
    EEXIST: cause =>
      new FileExistsError(
        `Expected no semaphore named ${name} yet, but there is one (EEXIST); leave out \`exclusive\`, or unlink it`,
        cause,
      ),
    EOVERFLOW: cause =>
      new InvalidStateError(`Expected ${name} to be below ${MOST_PERMITS}, but it cannot grow (EOVERFLOW)`, cause),
    EINVAL: `/dev/shm/sem.${name.slice(1)} is no semaphore of this system's C library; unlink it, or use another name`,
    EACCES: noRight,
    EPERM: noRight,
  }
}

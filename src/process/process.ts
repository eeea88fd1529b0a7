/**
 * A child process that runs one function.
 *
 *   initial ──start()──▶ started ──it ends──▶ stopped
 *      │                                         │
 *      └───────────────close()───────────────────┴──▶ closed
 *
 * From started to stopped nobody writes anything: whoever looks asks the kernel (start-method.ts, `Child.hasEnded`).
 */
import { inspect } from 'node:util'
import { ClosedError, InvalidStateError, NotSerializableError } from '../contract/errors.ts'
import { checkOptions, checkSignal, checkTimeout } from '../contract/options.ts'
import { SHAREABLE } from '../contract/shareable.ts'
import { type Readiness, WAITABLE, type Waitable } from '../contract/waitable.ts'
import { LONGEST_TIMER, type SyncWaitOptions, type WaitOptions } from '../contract/waiting.ts'
import { endWithThisProcess } from './daemons.ts'
import { checkMayStart, children, identityFor, nextPath } from './family.ts'
import { checkProcessOptions, type ProcessOptions } from './options.ts'
import { startChild } from './start/start.ts'
import { type Child, getStartMethod, type StartMethod } from './start-method.ts'
import { resolveTarget } from './target.ts'

/** Which way of starting children a class is bound to; see context.ts. */
export const START_METHOD: unique symbol = Symbol('multiproc.start-method')

/** Whether daemons of a class may have children: those of a pool may, since what they start as daemons ends with them. */
export const MAY_HAVE_CHILDREN: unique symbol = Symbol('multiproc.may-have-children')

/** For whoever started a Process and wants to know of its end without holding the event loop. */
export const ON_END: unique symbol = Symbol('multiproc.on-end')

/**
 * A child process that runs one function.
 *
 * The function travels by reference: the child imports its module and calls the export. It then ends by itself as soon
 * as nothing keeps its event loop alive, with exit code 0; 1 after an uncaught error, which is printed on stderr under
 * the name of the process; `n` after `process.exit(n)`; -n when signal n ended it; 13 when the function's promise can
 * never settle.
 *
 * A running child keeps this process's event loop alive; a daemon does not. If this process dies, its daemons are killed
 * by the kernel at once; its other children go on. At `process.exit()`, or after an uncaught error, daemons get SIGTERM
 * and a second later SIGKILL; the others go on here, too (Python would wait for them). If the child dies, all that it held is given back, and everybody who
 * waited for it is woken.
 *
 * A subclass may add to it what it likes in this process, but has no part in the child: only the function travels. Where
 * Python would override run(), export a function and give it as `target`.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError} for options that cannot be
 * @example
 * // the explicit form; a function that its module exports can be given as it is
 * const child = new Process({ target: { module: import.meta.resolve('multiproc'), name: 'cpuCount' } })
 * child.start()
 * await child.join()
 * assert.equal(child.exitCode, 0)
 */
export class Process<A extends unknown[] = any[]> implements AsyncDisposable, Waitable {
  /** Set in the classes of a context: they start their children in this way, whatever setStartMethod() says. */
  static readonly [START_METHOD]: StartMethod | undefined = undefined
  /** @internal */
  static readonly [MAY_HAVE_CHILDREN]: boolean = false
  readonly #name: string
  readonly #daemon: boolean
  readonly #path: readonly number[]
  readonly #method: StartMethod | undefined
  readonly #isParent: boolean
  /** Let go at start(): what the child was given need not stay here. */
  #options: ProcessOptions<A> | undefined
  #child: Child | undefined
  #closed = false
  #joining = 0
  /** Those in join() and wait(): a child takes no listener back, so it has one for all of them. */
  readonly #watchers = new Set<() => void>()

  constructor(options: ProcessOptions<A>) {
    const given = checkProcessOptions(options, 'run' in this)
    this.#path = nextPath()
    this.#method = new.target[START_METHOD]
    this.#isParent = new.target[MAY_HAVE_CHILDREN]
    this.#name = given.name ?? `Process-${this.#path.join(':')}`
    this.#daemon = given.daemon ?? false
    this.#options = given
  }

  /**
   * Starts the child; once.
   *
   * Does not wait: the child boots (some 50 ms; one that is 'warm' has booted, see setStartMethod()) while this process
   * goes on. All that is wrong with the target, the arguments and the options is told here, and then nothing was started.
   *
   * @throws {InvalidTargetError} when another process could not find the target
   * @throws {NotSerializableError} when an argument cannot travel; its `path` says which part, as in `args[0].callback`
   * @throws {InvalidStateError} when it was started before, in a daemon, and while a child imports its target's module
   * @throws {OutOfSharedMemoryError} when the arguments do not fit
   * @example
   * const child = new Process({ target: { module: import.meta.resolve('multiproc'), name: 'cpuCount' } })
   * child.start()
   * assert.throws(() => child.start(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
   * await child.join()
   */
  start(): void {
    this.#checkOpen()
    const options = this.#options
    if (options === undefined) {
      throw new InvalidStateError(
        `Expected ${this.#name} not to be started yet, but it was; a Process runs once, so make a new one`,
      )
    }
    checkMayStart(this.#name)
    this.#options = undefined // what packs the arguments may be the user's, and call start() again
    try {
      this.#begin(options)
    } catch (error) {
      this.#options = options
      throw error
    }
  }

  #begin(options: ProcessOptions<A>): void {
    const child = startChild({
      method: this.#method ?? getStartMethod(),
      identity: identityFor(this.#name, this.#path, this.#daemon, this.#isParent),
      target: resolveTarget(options.target),
      args: options.args ?? [],
      env: options.env,
      execArgv: options.execArgv,
      cwd: options.cwd,
      stdio: options.stdio ?? 'inherit',
      memoryLimitMb: options.memoryLimitMb,
    })
    this.#child = child
    children.add(this)
    child.onEnd(() => children.delete(this))
    child.onEnd(() => {
      for (const tell of [...this.#watchers]) tell()
    })
    if (this.#daemon) {
      child.keepAlive(false)
      endWithThisProcess(child)
    }
  }

  /**
   * Waits until the child has ended; any number of times.
   *
   * Never blocks the event loop, and keeps it alive, also for a daemon. On timeout it resolves, as in Python: look at
   * isAlive(). On abort it rejects with `signal.reason`; the child goes on. If the child is killed it resolves.
   *
   * @throws {InvalidStateError} before start()
   * @example
   * const child = new Process({ target: { module: import.meta.resolve('multiproc'), name: 'cpuCount' } })
   * child.start()
   * await child.join({ timeout: 0 })
   * assert.equal(child.isAlive(), true)
   * await child.join()
   * assert.equal(child.isAlive(), false)
   */
  async join(options?: WaitOptions): Promise<void> {
    const { timeout, signal } = checkOptions('options', options, ['timeout', 'signal'])
    const limitMs = checkTimeout(timeout)
    const abort = checkSignal(signal)
    const child = this.#started('joined')
    abort?.throwIfAborted()
    if (limitMs === 0 || child.hasEnded()) return
    let timer: NodeJS.Timeout | undefined
    let onAbort: (() => void) | undefined
    let tell = () => {}
    this.#keepAlive(child, 1)
    try {
      await new Promise<void>((resolve, reject) => {
        tell = resolve
        this.#watchers.add(tell)
        if (limitMs <= LONGEST_TIMER) timer = setTimeout(resolve, limitMs)
        onAbort = () => reject(abort?.reason)
        abort?.addEventListener('abort', onAbort, { once: true })
      })
    } finally {
      clearTimeout(timer)
      this.#watchers.delete(tell)
      if (onAbort !== undefined) abort?.removeEventListener('abort', onAbort)
      this.#keepAlive(child, -1)
    }
  }

  /** A daemon keeps the event loop alive only while somebody waits for it. */
  #keepAlive(child: Child, by: 1 | -1): void {
    this.#joining += by
    child.keepAlive(!this.#daemon || this.#joining > 0)
  }

  /** @internal for wait(): it has ended. */
  [WAITABLE](): Readiness {
    const child = this.#started('waited for')
    let tell: (() => void) | undefined
    return {
      ready: () => child.hasEnded(),
      watch: told => {
        tell = told
        this.#watchers.add(told)
        this.#keepAlive(child, 1)
      },
      unwatch: () => {
        if (tell === undefined) return
        this.#watchers.delete(tell)
        tell = undefined
        this.#keepAlive(child, -1)
      },
    }
  }

  /** @internal Calls back once, soon after the event loop has learnt of the end; does not keep it alive. */
  [ON_END](listener: () => void): void {
    this.#started('watched').onEnd(listener)
  }

  /**
   * Waits until the child has ended; any number of times.
   *
   * Blocks this thread, asleep in the kernel, and needs no turn of the event loop. On timeout it returns, as in Python:
   * look at isAlive(). If the child is killed it returns.
   *
   * @throws {InvalidStateError} before start()
   * @example
   * const child = new Process({ target: { module: import.meta.resolve('multiproc'), name: 'cpuCount' } })
   * child.start()
   * child.joinSync()
   * assert.equal(child.exitCode, 0)
   */
  joinSync(options?: SyncWaitOptions): void {
    const { timeout } = checkOptions('options', options, ['timeout'])
    const deadline = performance.now() + checkTimeout(timeout)
    const child = this.#started('joined')
    while (!child.hasEnded()) {
      const left = deadline - performance.now()
      if (left <= 0) return
      child.sleep(left)
    }
  }

  /**
   * Asks the child to end: SIGTERM. Does not wait, and does nothing after the end. The child's own children go on, its
   * daemons end. Exit code -15, unless the child handles the signal.
   *
   * @throws {InvalidStateError} before start()
   * @example
   * const child = new Process({ target: { module: import.meta.resolve('multiproc'), name: 'cpuCount' } })
   * child.start()
   * child.terminate()
   * await child.join()
   * assert.equal(child.exitCode, -15)
   */
  terminate(): void {
    this.#started('terminated').signal('SIGTERM')
  }

  /**
   * Ends the child at once: SIGKILL. Otherwise as terminate(). Exit code -9.
   *
   * @throws {InvalidStateError} before start()
   * @example
   * const child = new Process({ target: { module: import.meta.resolve('multiproc'), name: 'cpuCount' } })
   * child.start()
   * child.kill()
   * await child.join()
   * assert.equal(child.exitCode, -9)
   */
  kill(): void {
    this.#started('killed').signal('SIGKILL')
  }

  /**
   * What Ctrl-C does: SIGINT. Otherwise as terminate(). Exit code -2, unless the child handles the signal: Node, unlike
   * Python, makes no exception of it.
   *
   * @throws {InvalidStateError} before start()
   * @example
   * const child = new Process({ target: { module: import.meta.resolve('multiproc'), name: 'cpuCount' } })
   * child.start()
   * child.interrupt()
   * await child.join()
   * assert.equal(child.exitCode, -2)
   */
  interrupt(): void {
    this.#started('interrupted').signal('SIGINT')
  }

  /**
   * Whether the child runs at this moment; false before start(). Asks the kernel, and is right without a turn of the
   * event loop.
   *
   * @example
   * const child = new Process({ target: { module: import.meta.resolve('multiproc'), name: 'cpuCount' } })
   * assert.equal(child.isAlive(), false)
   * child.start()
   * assert.equal(child.isAlive(), true)
   * child.joinSync()
   * assert.equal(child.isAlive(), false)
   */
  isAlive(): boolean {
    this.#checkOpen()
    return this.#child !== undefined && !this.#child.hasEnded()
  }

  /**
   * Says that this object is done with; nearly every member throws a ClosedError from then on. Closing it again does
   * nothing.
   *
   * @throws {InvalidStateError} while the child runs
   * @example
   * const child = new Process({ target: { module: import.meta.resolve('multiproc'), name: 'cpuCount' } })
   * child.start()
   * await child.join()
   * child.close()
   * assert.throws(() => child.exitCode, { code: 'ERR_MULTIPROC_CLOSED' })
   */
  close(): void {
    if (this.#closed) return
    if (this.isAlive()) {
      throw new InvalidStateError(`Expected ${this.#name} to have ended before close(), but it runs; join() it first`)
    }
    if (this.#child === undefined && this.#options === undefined) {
      throw new InvalidStateError(`Expected ${this.#name} not to be closed while it is being started`)
    }
    this.#closed = true
    this.#options = undefined
    children.delete(this)
  }

  /** `undefined` before start(). */
  get pid(): number | undefined {
    this.#checkOpen()
    return this.#child?.pid
  }

  /** `null` while it runs and before; -15: ended by signal 15; 1: it threw. */
  get exitCode(): number | null {
    this.#checkOpen()
    return this.#child?.exitCode() ?? null
  }

  get name(): string {
    return this.#name
  }

  get daemon(): boolean {
    return this.#daemon
  }

  /** What the child writes, with `stdio: 'pipe'`; otherwise `null`. */
  get stdout(): NodeJS.ReadableStream | null {
    this.#checkOpen()
    return this.#child?.stdout ?? null
  }

  /** As `stdout`. */
  get stderr(): NodeJS.ReadableStream | null {
    this.#checkOpen()
    return this.#child?.stderr ?? null
  }

  /**
   * terminate() and join(); nothing before start() and after the end.
   *
   * @example
   * const child = new Process({ target: { module: import.meta.resolve('multiproc'), name: 'cpuCount' } })
   * child.start()
   * await child[Symbol.asyncDispose]()
   * assert.equal(child.isAlive(), false)
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed || this.#child === undefined) return
    this.terminate()
    await this.join()
  }

  /** @internal It stays with the process that made it. */
  [SHAREABLE](where: () => string = () => 'value'): never {
    const path = where()
    throw new NotSerializableError(
      `Expected \`${path}\` to be a value that can travel to another process, got the Process ${this.#name}; only the process that made it can join it: send its name or its pid`,
      { path },
    )
  }

  [inspect.custom](_depth: number, options: object): string {
    const status = this.#status()
    const { pid, exitCode } = status === 'closed' ? { pid: undefined, exitCode: null } : this
    const shown = { name: this.#name, pid, status, exitCode, daemon: this.#daemon }
    return `Process ${inspect(shown, { ...options, compact: 5, breakLength: 128 })}`
  }

  #status(): 'initial' | 'started' | 'stopped' | 'closed' {
    if (this.#closed) return 'closed'
    if (this.#child === undefined) return 'initial'
    return this.#child.hasEnded() ? 'stopped' : 'started'
  }

  #started(done: string): Child {
    this.#checkOpen()
    if (this.#child !== undefined) return this.#child
    throw new InvalidStateError(`Expected ${this.#name} to be started before it is ${done}; call start() first`)
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError(`Expected ${this.#name} to be open, but it was closed; make a new Process`)
  }
}

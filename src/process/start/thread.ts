/**
 * Starting a child as a worker thread: the same objects and the same rules in the same process, without the isolation.
 *
 * As with spawn (spawn.ts) all that the child needs is in place before it exists. It shares the memory that this process
 * has mapped, and is a participant of its own: with its own lock on the memory file and its own mutex, so that the kernel
 * tells its end like that of a process.
 *
 * What is different from a process
 *   its end       a thread ends with its process, and with the thread that started it. terminate(), kill() and
 *                 interrupt() end it in the same way, at the next step of its JavaScript: a signal cannot be sent to it.
 *   process.exit  ends the thread only. Signals and process.chdir() belong to the main thread.
 *   its children  a daemon that is a process ends with the *thread* that started it.
 *   memory        a heap of its own; a thread that exceeds `memoryLimitMb` ends with -6, as a process does.
 *   `cwd`, some of `execArgv`: belong to the process, and are refused.
 */
import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { PassThrough, type Readable } from 'node:stream'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { exchange, load, store, type Words } from '#words'
import type { Session, SessionPlace } from '../../arena/session.ts'
import { isGone } from '../../arena/token.ts'
import { ArgumentRangeError } from '../../contract/errors.ts'
import { closeFd } from '../../os/descriptor.ts'
import { duplicate } from '../../os/plain-pipe.ts'
import { pollReadable } from '../../os/poll.ts'
import { threadExists } from '../../os/thread.ts'
import { THREAD_BOOTSTRAP } from '../bootstraps.ts'
import { startAs } from '../family.ts'
import { print, show } from '../print.ts'
import type { Child, StartPlan } from '../start-method.ts'
import { bellsOfProcess, closeBellsOfThreads } from './bells.ts'
import { endow } from './endow.ts'
import { inheritedExecArgv } from './exec-argv.ts'

/** How often the end of a thread is looked for, ms: often, once it has said that it is about to end. */
const LOOK_EVERY_MS = 5
const LOOK_SOON_MS = 1

/** Node's code for a thread whose heap was too small, and the exit code of a process that ends so: by SIGABRT. */
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY'
const ABORTED = -constants.signals.SIGABRT

/** What the thread is given by Node itself; the rest lies in the session. */
export interface GivenToThread {
  readonly name: string
  readonly place: SessionPlace
  readonly token: number
  readonly toldAt: number
  readonly argsAt: number
  readonly bells: Words
  /** Three words of its end: see END. */
  readonly end: Words
  /** The same of the threads above it: who started it, who started that one … They end with it, and it with them. */
  readonly above: readonly Words[]
  /** Copies of the descriptors among its arguments; -1: it has taken that one. The others are closed after it. */
  readonly fds: Words
  readonly stdio: StartPlan['stdio']
  /** Node's options for its own children that are processes; some hold for this whole process already. */
  readonly execArgv: readonly string[]
  readonly terminals: readonly Terminal[]
}

/** How large the terminal is that stdout or stderr is, if it is one. */
export interface Terminal {
  readonly columns: number | undefined
  readonly rows: number | undefined
}

/**
 * exit: EXITED | exit code, when it ends by itself · told: 1 when it was told to end · loading: how many threads, of this one
 * and those below it, load native code or have it make a view of memory at this moment.
 *
 * Whoever is terminated in the middle of that takes the whole process along: an addon that cannot say why it failed aborts.
 * So a thread says that it is about to and then looks whether it, or one above it, was told to end; and who tells it to end
 * does so first, and terminates it when nobody is at it. So one of the two sees the other.
 */
export const END = { exit: 0, told: 1, loading: 2 } as const
/** Beside the code, so that 0 is "not yet". */
export const EXITED = 256

/** Of this thread, if it is a child, and of those above it. */
let endsAbove: readonly Words[] = []
/** Of the threads that this one has started and that are not known to have ended. */
const ends = new Set<Words>()
let hooked = false

/** The bootstrap of a thread says how its own end is told. */
export function setOwnEnds(own: readonly Words[]): void {
  endsAbove = own
}

/** Loading takes some milliseconds; a thread whose heap is too small for it never says that it is done. */
const LONGEST_LOAD_MS = 2000

/** From here on it loads no native code any more; waits for what it is about. */
function tellToEnd(end: Words): void {
  store(end, END.told, 1) // pairs with add() in thread-bootstrap.ts
  const deadline = performance.now() + LONGEST_LOAD_MS
  while (load(end, END.loading) !== 0 && performance.now() < deadline) pollReadable([], 1)
}

/** Node terminates all threads when this one ends by itself. */
function tellAllAtExit(): void {
  if (hooked) return
  hooked = true
  process.on('exit', () => {
    for (const end of ends) tellToEnd(end)
  })
}

/** Starts the child. When it throws nothing was started. */
export function startThread(plan: StartPlan): Child {
  const { identity, cwd, stdio, memoryLimitMb } = plan
  if (cwd !== undefined) {
    throw new ArgumentRangeError(
      `Expected no \`cwd\` for ${identity.name}, got ${JSON.stringify(cwd)}: it is a thread, and all threads of a process ` +
        "have one working directory; start it as a process (setStartMethod('spawn')), or hand it the folder in `args`",
    )
  }
  return endow(plan, {}, ({ session, token, toldAt, argsAt, fds }) => {
    const given: GivenToThread = {
      name: identity.name,
      place: session.place,
      token,
      toldAt,
      argsAt,
      bells: bellsOfProcess(),
      end: new Int32Array(new SharedArrayBuffer(12)),
      above: endsAbove,
      fds: copiesOf(fds),
      stdio,
      execArgv: plan.execArgv ?? inheritedExecArgv(),
      terminals: [process.stdout, process.stderr].map(({ columns, rows }) => ({ columns, rows })),
    }
    tellAllAtExit()
    const others = new Set(readdirSync(THREADS))
    const worker = startAs(identity, () => {
      try {
        return newWorker(plan, given)
      } catch (error) {
        closeCopies(given.fds)
        throw error
      }
    })
    askForNothing(worker, stdio)
    const threads = readdirSync(THREADS).filter(id => !others.has(id))
    return new ThreadChild(worker, threads.map(Number), session, given, memoryLimitMb !== undefined)
  })
}

const THREADS = '/proc/self/task'

/** Of its own from here on, whatever this thread does with its own ones. */
function copiesOf(fds: readonly number[]): Words {
  const copies = new Int32Array(new SharedArrayBuffer(4 * fds.length)).fill(-1)
  try {
    for (const [i, fd] of fds.entries()) store(copies, i, duplicate(fd))
  } catch (error) {
    closeCopies(copies)
    throw error
  }
  return copies
}

/** Those that the thread has not taken. */
function closeCopies(copies: Words): void {
  for (let i = 0; i < copies.length; i++) {
    const fd = exchange(copies, i, -1)
    if (fd >= 0) closeFd(fd)
  }
}

function newWorker({ env, execArgv, stdio, memoryLimitMb }: StartPlan, given: GivenToThread): Worker {
  const options: WorkerOptions = {
    name: given.name,
    workerData: given,
    env: env && Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
    // with 'inherit' it writes to the descriptors by itself: this thread may be blocked
    stdout: stdio !== 'inherit',
    stderr: stdio !== 'inherit',
    resourceLimits: memoryLimitMb === undefined ? undefined : { maxOldGenerationSizeMb: memoryLimitMb },
  }
  if (execArgv === undefined) return newWorkerLikeThis(options)
  try {
    return new Worker(THREAD_BOOTSTRAP, { ...options, execArgv: [...execArgv] })
  } catch (cause) {
    if (refusedOptions(cause) === undefined) throw cause
    throw new ArgumentRangeError(
      `Expected \`execArgv\` of ${given.name} to hold only options that a thread can have of its own, got ` +
        `${execArgv.join(' ')}; give the others to the process, or start it as one (setStartMethod('spawn'))`,
      { cause },
    )
  }
}

/**
 * Node would ask the thread for what it writes, by a message that makes it fail when its program has put another stream, or none, in
 * the place of its `process.stdout`. It sends all unasked (thread-stdio.ts).
 */
function askForNothing({ stdout, stderr }: Worker, stdio: StartPlan['stdio']): void {
  for (const stream of [stdout, stderr]) stream._read = stdio === 'inherit' ? () => {} : unasked(stream)
}

/** Reading keeps the event loop alive as ever; only the message is not sent. */
function unasked(stream: Readable): Readable['_read'] {
  const { _read } = stream
  const key = Object.getOwnPropertySymbols(stream).find(({ description }) => description === 'kPort')
  const port = key === undefined ? {} : (Reflect.get(stream, key) as { postMessage?: () => void })
  return function (this: Readable, size) {
    port.postMessage = () => {}
    try {
      _read.call(this, size)
    } finally {
      delete port.postMessage // the port's own is that of its class
    }
  }
}

/** With the Node options of this thread, as far as they do not belong to one run of one program. */
function newWorkerLikeThis(options: WorkerOptions): Worker {
  const execArgv = inheritedExecArgv()
  if (execArgv.length === process.execArgv.length) return new Worker(THREAD_BOOTSTRAP, options) // simply inherits them all
  try {
    return new Worker(THREAD_BOOTSTRAP, { ...options, execArgv })
  } catch (cause) {
    // those that hold for the whole process hold for the thread as well
    const refused = refusedOptions(cause)
    if (refused === undefined) throw cause
    return new Worker(THREAD_BOOTSTRAP, { ...options, execArgv: execArgv.filter(option => !refused.includes(option)) })
  }
}

/** Undefined: that was not what went wrong. */
function refusedOptions(error: unknown): string[] | undefined {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_WORKER_INVALID_EXEC_ARGV' ? message.replace(/^.*?: /s, '').split(', ') : undefined
}

/**
 * It has ended when the kernel says so of its thread: then what it held can be taken over. The word it leaves tells only
 * the exit code. A thread that never got to join is known by its number in /proc.
 */
class ThreadChild implements Child {
  readonly pid = process.pid
  readonly stdout: NodeJS.ReadableStream | null
  readonly stderr: NodeJS.ReadableStream | null
  readonly #worker: Worker
  /** The numbers of the threads that came to be when this one was started: one, but for a coincidence. */
  readonly #threads: readonly number[]
  readonly #session: Session
  readonly #given: GivenToThread
  readonly #limited: boolean
  readonly #listeners: (() => void)[] = []
  #signal: number | undefined
  #failure: NodeJS.ErrnoException | undefined
  #exitCode: number | null = null
  #ended = false

  constructor(worker: Worker, threads: readonly number[], session: Session, given: GivenToThread, limited: boolean) {
    this.#worker = worker
    this.#threads = threads
    this.#session = session
    this.#given = given
    this.#limited = limited
    ends.add(given.end)
    this.stdout = given.stdio === 'pipe' ? worker.stdout : null
    const stderr = given.stdio === 'pipe' ? new PassThrough() : null
    this.stderr = stderr
    if (stderr !== null) (worker.stderr as Readable).pipe(stderr, { end: false })
    // what its own bootstrap could not tell: its heap was too small, or an option loads what fails
    worker.on('error', error => {
      this.#failure = error
      const text = `${given.name} (thread of pid ${this.pid}) failed:\n${show(error)}\n`
      if (given.stdio === 'inherit') print(text)
      else stderr?.write(text)
    })
    worker.on('exit', () => {
      ends.delete(given.end)
      this.#end()
      closeBellsOfThreads(session)
      if (stderr !== null) endAfter(worker.stderr, stderr)
      for (const listener of this.#listeners.splice(0)) listener()
    })
  }

  hasEnded(): boolean {
    if (!this.#ended && (isGone(this.#session.w, this.#given.token) || !this.#threads.some(threadExists))) this.#end()
    return this.#ended
  }

  exitCode(): number | null {
    return this.hasEnded() ? this.#exitCode : null
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#exitCode = this.#readExitCode()
    this.#session.childEnded(this.#given.token)
    closeCopies(this.#given.fds)
  }

  #readExitCode(): number {
    const exit = load(this.#given.end, END.exit)
    if ((exit & EXITED) !== 0) return exit & (EXITED - 1)
    if (this.#signal !== undefined) return -this.#signal
    const outOfMemory = this.#failure === undefined ? this.#limited : this.#failure.code === OUT_OF_MEMORY
    return outOfMemory ? ABORTED : 1
  }

  sleep(limitMs: number): void {
    const ending = load(this.#given.end, END.exit) !== 0
    pollReadable([], Math.min(limitMs, ending ? LOOK_SOON_MS : LOOK_EVERY_MS))
  }

  signal(name: NodeJS.Signals): void {
    if (this.hasEnded()) return
    this.#signal ??= constants.signals[name]
    tellToEnd(this.#given.end)
    void this.#worker.terminate()
    // one that has not joined never will: that is its end for everybody
    if (this.#session.withdraw(this.#given.token)) this.#end()
  }

  onEnd(listener: () => void): void {
    this.#listeners.push(listener)
  }

  keepAlive(keep: boolean): void {
    if (keep) this.#worker.ref()
    else this.#worker.unref()
  }
}

/** What stands in `from` is still to come. */
function endAfter(from: Readable, to: PassThrough): void {
  if (from.readableEnded) to.end()
  else from.once('end', () => to.end())
}

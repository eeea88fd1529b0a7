/**
 * Starting a child as a fresh Node process.
 *
 * Everything the child needs is in place before it exists: its place in the session is reserved, what it is told and its
 * arguments lie in shared memory, in blocks that belong to that place and are freed with it. The child itself gets the
 * session's memory as descriptor 3 and, on its command line, its name (for `ps`) and three numbers.
 *
 *   3       the session's memory; the child marks it close-on-exec before anything else
 *   4 …     the descriptors among its arguments (hand-down.ts); marked so once it has read who it is
 *   argv    bootstrap, name, place in the session, address of the identity, address of the arguments, parent's pid
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import type { Socket } from 'node:net'
import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import type { Session } from '../../arena/session.ts'
import { ArgumentRangeError, MultiprocError } from '../../contract/errors.ts'
import { peekExit } from '../../os/child-status.ts'
import { closeFd } from '../../os/descriptor.ts'
import { openPidfd } from '../../os/pidfd.ts'
import { pollReadable } from '../../os/poll.ts'
import { PROCESS_BOOTSTRAP } from '../bootstraps.ts'
import type { Child, StartPlan } from '../start-method.ts'
import { type Endowment, endow } from './endow.ts'
import { inheritedExecArgv } from './exec-argv.ts'

/**
 * Without pidfds (a kernel before 5.3, some sandboxes) the end of a child is looked for this often. So it is in a worker
 * thread, too: nobody would close its pidfds when it is terminated.
 */
const LOOK_EVERY_MS = 10

/** Made here, so that it keeps nothing of what a child was given. */
const ignore = (): void => {}

/** Starts the child. When it throws nothing was started. */
export function spawnChild(plan: StartPlan): Child {
  const { cwd } = plan
  if (cwd !== undefined && statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new ArgumentRangeError(`Expected \`cwd\` to be a directory, but ${cwd} is none`)
  }
  return endow(plan, {}, endowment => spawnEndowed(plan, endowment))
}

/** The same for a child that has been prepared. */
export function spawnEndowed(plan: StartPlan, { session, token, toldAt, argsAt, fds }: Endowment): Child {
  const { identity, cwd, stdio, memoryLimitMb } = plan
  const child = spawn(
    process.execPath,
    [
      ...(plan.execArgv ?? inheritedExecArgv()),
      ...(memoryLimitMb === undefined ? [] : [`--max-old-space-size=${memoryLimitMb}`]),
      PROCESS_BOOTSTRAP,
      identity.name,
      ...[token, toldAt, argsAt, process.pid].map(String),
    ],
    { stdio: ['ignore', stdio, stdio, session.fd, ...fds], env: plan.env, cwd },
  )
  child.on('error', ignore) // told below, at once, where the caller can catch it
  if (child.pid === undefined) {
    throw new MultiprocError(
      `Expected ${process.execPath} to start, but the system refused; it may be gone, or the limit of processes ` +
        '(ulimit -u) or open files (ulimit -n) is reached',
    )
  }
  return new SpawnedChild(child, child.pid, session, token)
}

/**
 * libuv collects the exit status, but only on a turn of the event loop. Until then the status is looked at without
 * collecting it, so that isAlive() and exitCode are right at any moment and libuv still finds what it expects.
 */
export class SpawnedChild implements Child {
  readonly pid: number
  readonly #process: ChildProcess
  readonly #session: Session
  readonly #token: number
  readonly #listeners: (() => void)[] = []
  #exitCode: number | null = null
  #ended = false
  #pidfd: number | undefined

  constructor(child: ChildProcess, pid: number, session: Session, token: number) {
    this.pid = pid
    this.#process = child
    this.#session = session
    this.#token = token
    child.on('exit', (code, signal) => {
      this.#end(code ?? -constants.signals[signal as NodeJS.Signals])
      // libuv collects all children that ended and then reports one after the other: let it finish, so that nobody
      // meets a child that is collected and not yet reported
      setImmediate(() => {
        for (const listener of this.#listeners.splice(0)) listener()
      })
    })
  }

  get stdout(): NodeJS.ReadableStream | null {
    return this.#process.stdout
  }

  get stderr(): NodeJS.ReadableStream | null {
    return this.#process.stderr
  }

  hasEnded(): boolean {
    if (!this.#ended) this.#look()
    return this.#ended
  }

  exitCode(): number | null {
    if (!this.#ended) this.#look()
    return this.#exitCode
  }

  #look(): void {
    const exit = peekExit(this.pid)
    if (exit === undefined) return
    if (exit === 'gone') this.#end(null)
    else this.#end(exit.code ?? -(exit.signal ?? 0))
  }

  #end(exitCode: number | null): void {
    this.#exitCode ??= exitCode
    if (this.#ended) return
    this.#ended = true
    if (this.#pidfd !== undefined) closeFd(this.#pidfd)
    this.#pidfd = undefined
    this.#session.childEnded(this.#token)
  }

  sleep(limitMs: number): void {
    // opened late, since few are waited for like this; the number is the child's own until libuv has collected it
    if (isMainThread) this.#pidfd ??= openPidfd(this.pid)
    if (this.#pidfd === undefined) pollReadable([], Math.min(limitMs, LOOK_EVERY_MS))
    else pollReadable([this.#pidfd], limitMs)
  }

  signal(name: NodeJS.Signals): void {
    if (!this.hasEnded()) this.#process.kill(name)
  }

  onEnd(listener: () => void): void {
    this.#listeners.push(listener)
  }

  keepAlive(keep: boolean): void {
    if (keep) this.#process.ref()
    else {
      this.#process.unref()
      for (const pipe of [this.#process.stdout, this.#process.stderr]) (pipe as Socket | null)?.unref()
    }
  }
}

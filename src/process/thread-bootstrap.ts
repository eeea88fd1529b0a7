/**
 * The first code in a child that is a thread: join the session that this process has mapped. The rest is the same for
 * every child.
 */
import { workerData } from 'node:worker_threads'
import { add, exchange, load, store } from '#words'
import { shareSession } from '../arena/session.ts'
import { inherit } from '../os/hand-down.ts'
import { guardViews, libc } from '../os/libc.ts'
import { adopt } from '../os/plain-pipe.ts'
import { pollReadable } from '../os/poll.ts'
import { print } from './print.ts'
import { type Joined, live } from './run-target.ts'
import { bellsOfProcess, ownBell } from './start/bells.ts'
import { setOwnStdio } from './start/inherited-stdio.ts'
import { END, EXITED, type GivenToThread, setOwnEnds } from './start/thread.ts'
import { settleStdio } from './thread-stdio.ts'

const { name, place, token, toldAt, argsAt, bells, end, above, fds, stdio, execArgv, terminals } =
  workerData as GivenToThread

/** Its program may put another one in its place. */
const { stderr } = process

leaveExitCode()
settleStdio(stdio, terminals)
setOwnStdio(stdio)
const ends = [end, ...above]
setOwnEnds(ends)
process.execArgv = [...execArgv]
live(name, joined, tell)

async function joined(): Promise<Joined> {
  loadNativeCode()
  bellsOfProcess(bells)
  const session = join()
  // the classes behind what travels by reference; by path, since they stand above this folder
  await import('../handles.ts')
  return {
    session,
    toldAt,
    argsAt,
    settleIn({ argv }) {
      process.argv.splice(2, Infinity, ...argv)
      inherit(unterminated(takeDescriptors, waitForTheEnd))
    },
  }
}

function isToldToEnd(): boolean {
  return ends.some(one => load(one, END.told) !== 0)
}

/** Does what must not be cut short: nobody terminates this thread meanwhile, see END. `otherwise`: it was told to end. */
function unterminated<T>(act: () => T, otherwise: () => T): T {
  for (const one of ends) add(one, END.loading, 1)
  let isLast = false
  try {
    isLast = isToldToEnd()
    if (!isLast) return act()
  } finally {
    for (const one of ends) add(one, END.loading, -1)
  }
  return otherwise()
}

/** From here on nobody else closes them. */
function takeDescriptors(): number[] {
  return Array.from(fds, (_, i) => adopt(exchange(fds, i, -1)))
}

function loadNativeCode(): void {
  unterminated(
    () => libc(),
    () => process.exit(), // before it had begun: nothing went wrong
  )
  guardViews(act => unterminated(act, waitForTheEnd))
}

/** It has been told to end, and will be terminated in a moment. */
function waitForTheEnd(): never {
  for (;;) pollReadable([], 10)
}

function join(): ReturnType<typeof shareSession> {
  try {
    return shareSession(place, token, ownBell(token))
  } catch (error) {
    if (load(end, END.told) !== 0) process.exit() // told to end before it had begun: nothing went wrong
    throw error
  }
}

/** For who started this thread and cannot take a turn of its event loop: after the last listener has had its say. */
function leaveExitCode(): void {
  const leave = (code: unknown) => {
    if (load(end, END.told) !== 0) return // it ends since it was told to
    store(end, END.exit, EXITED | (Number(process.exitCode ?? code ?? 0) & (EXITED - 1)))
  }
  const { emit } = process
  const { reallyExit } = process as unknown as { reallyExit(code: number): void }
  Object.assign(process, {
    emit(this: NodeJS.Process, event: string, ...values: unknown[]): boolean {
      const heard: boolean = Reflect.apply(emit, this, [event, ...values])
      if (event === 'exit') leave(values[0])
      return heard
    },
    reallyExit(this: NodeJS.Process, code: number): void {
      leave(code)
      Reflect.apply(reallyExit, this, [code])
    },
  })
}

/** What went wrong, on this thread's standard error. */
function tell(text: string): void {
  if (stdio === 'inherit') print(text)
  else stderr.write(text)
}

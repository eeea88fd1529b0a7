// A process that boots once and is copied for each child that the sweep kills: what is in the copies is what would be in a
// child that had booted by itself, up to the moment at which it joins the session. The mother herself is nobody in it.
import { readSync, writeSync } from 'node:fs'
import process from 'node:process'
import 'multiproc'
import { openParcel } from '#src/arena/parcel.js'
import { attachSession, mapSession } from '#src/arena/session.js'
import { decode } from '#src/codec/codec.js'
import { peekExit, reap } from '#src/os/child-status.js'
import { closeFd } from '#src/os/descriptor.js'
import { libc } from '#src/os/libc.js'
import { openPidfd } from '#src/os/pidfd.js'
import { pollReadable } from '#src/os/poll.js'
import { dieWithParent, endWithParent } from '#src/os/prctl.js'
import { allocateAndDie } from './arena-operations.js'
import { fork } from './fork.js'
import { takeAndDie } from './joinable-queue-operations.js'
import { holdForEver } from './lock-operations.js'
import { claimForEver } from './share-operations.js'
import { understudy } from './understudy.js'
import { dier, recorder, victim } from './victim.js'

/** Whom a child is to be, and where in the session lies what it is told. */
export interface Order {
  readonly token: number
  readonly at: number
  /** Another one stands by, whose part comes first. */
  readonly understudy: boolean
}

/** What a child is told. */
export interface Told {
  readonly part: keyof typeof parts
  readonly args: readonly unknown[]
}

const parts = { dier, recorder, victim, allocateAndDie, claimForEver, holdForEver, takeAndDie }

const SESSION_FD = 3
const LINE_FD = 4
const SIGKILL = 9
const MINUTE = 60_000

const parent = Number(process.argv[2])
const byte = Buffer.alloc(1)

/** One line, as soon as it is there; undefined when there will be none. */
function readLine(fd: number): string | undefined {
  let line = ''
  for (;;) {
    if (readSync(fd, byte) === 0) return undefined
    if (byte[0] === 10) return line
    line += byte.toString('latin1')
  }
}

/** In a copy. It does not come back: the event loop is not its own. */
function live(order: Order, mother: number): never {
  try {
    endWithParent(mother)
    const session = attachSession(memory, order.token)
    const parcel = openParcel(session, order.at)
    const { part, args } = decode(parcel.bytes, parcel.headLength, parcel.handles) as Told
    parcel.free()
    const play = parts[part] as (...args: readonly unknown[]) => void
    play(...args)
  } catch (error) {
    writeSync(2, `${error instanceof Error ? error.stack : error}\n`)
  }
  // whoever was to be killed is by now
  process.kill(process.pid, 'SIGTERM')
  throw new Error('unreachable')
}

/** A copy that waits for its order; its order comes from the next one. */
function standBy(): void {
  const ends = new Int32Array(2)
  if (libc().pipe2(ends, 0) < 0) throw new Error('no pipe')
  const [reading, writing] = ends
  const mother = process.pid
  const pid = fork()
  if (pid === 0) {
    libc().close(writing)
    const line = readLine(reading)
    if (line === undefined) process.kill(process.pid, 'SIGKILL')
    live(JSON.parse(line as string), mother)
  }
  libc().close(reading)
  Object.assign(understudy, { pid, line: writing })
}

/** Waits for it, and says how it ended: the signal, or its exit code. */
function endOf(pid: number): string {
  const pidfd = openPidfd(pid)
  while (peekExit(pid) === undefined) pollReadable(pidfd === undefined ? [] : [pidfd], pidfd === undefined ? 2 : MINUTE)
  if (pidfd !== undefined) closeFd(pidfd)
  const exit = peekExit(pid)
  reap(pid, MINUTE)
  return typeof exit === 'object' ? `${exit.signal === null ? exit.code : -exit.signal}` : 'unknown'
}

const tell = (what: string): void => void writeSync(LINE_FD, `${what}\n`)

endWithParent(parent)
const memory = mapSession(SESSION_FD)
dieWithParent(SIGKILL)
tell('ready')
for (;;) {
  const line = readLine(LINE_FD)
  if (line === undefined) process.kill(process.pid, 'SIGKILL')
  const order = JSON.parse(line as string) as Order
  if (order.understudy) standBy()
  const mother = process.pid
  const pid = fork()
  if (pid === 0) live(order, mother)
  if (order.understudy) libc().close(understudy.line)
  tell(`started ${pid}`)
  const end = endOf(pid)
  if (order.understudy) reap(understudy.pid, MINUTE)
  tell(`ended ${end}`)
}

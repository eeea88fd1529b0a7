/** The kernel's System V message queues: one attempt each, which never waits. */
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { libc, SystemCallError } from './libc.ts'
import { posixCalls } from './posix-calls.ts'

const { E2BIG, EAGAIN, EINTR, ENOMSG } = constants.errno

const IPC_PRIVATE = 0
const IPC_CREAT = 0o1000
const IPC_EXCL = 0o2000
const IPC_NOWAIT = 0o4000
const IPC_RMID = 0
const IPC_STAT = 2

/** struct msqid_ds, the same on x64 and arm64, with glibc and musl: after 48 bytes of permissions and three times of 8 bytes each. */
const STAT_BYTES = 256
const BYTES_AT = 72
const MESSAGES_AT = 80
const MAX_BYTES_AT = 88
const LAST_SEND_AT = 96
const LAST_RECEIVE_AT = 100

/** A message in memory is its type, a long, and then its bytes. */
const TYPE_BYTES = 8

export interface MessageQueueState {
  messages: number
  bytes: number
  maxBytes: number
  lastSendPid: number
  lastReceivePid: number
}

/** Its identifier. `key` undefined: a new one that no key leads to. */
export function openQueue(key: number | undefined, create: boolean, exclusive: boolean, mode: number): number {
  const flags = (create ? IPC_CREAT : 0) | (exclusive ? IPC_EXCL : 0) | mode
  const id = posixCalls().msgget(key === undefined ? IPC_PRIVATE : key | 0, flags)
  if (id < 0) throw new SystemCallError('msgget', libc().errno())
  return id
}

/** False: there is no room now. */
export function sendNow(id: number, type: number, bytes: Uint8Array): boolean {
  const message = new Uint8Array(TYPE_BYTES + bytes.length)
  new DataView(message.buffer).setBigInt64(0, BigInt(type), true)
  message.set(bytes, TYPE_BYTES)
  const { errno } = libc()
  for (;;) {
    if (posixCalls().msgsnd(id, message, bytes.length, IPC_NOWAIT) === 0) return true
    const failure = errno()
    if (failure === EAGAIN) return false
    if (failure !== EINTR) throw new SystemCallError('msgsnd', failure)
  }
}

let inbox = new Uint8Array(0)

/** Undefined: there is none of that type now. */
export function receiveNow(id: number, type: number): { type: number; data: Uint8Array } | undefined {
  const { errno } = libc()
  if (inbox.length === 0) inbox = new Uint8Array(TYPE_BYTES + queueLimit('msgmax'))
  for (;;) {
    const count = posixCalls().msgrcv(id, inbox, inbox.length - TYPE_BYTES, type, IPC_NOWAIT)
    if (count >= 0) {
      const found = Number(new DataView(inbox.buffer).getBigInt64(0, true))
      return { type: found, data: inbox.slice(TYPE_BYTES, TYPE_BYTES + count) }
    }
    const failure = errno()
    if (failure === ENOMSG) return undefined
    // the limit was higher when it was sent, or is by now; the message is still there
    if (failure === E2BIG) inbox = new Uint8Array(2 * inbox.length)
    else if (failure !== EINTR) throw new SystemCallError('msgrcv', failure)
  }
}

export function queueState(id: number): MessageQueueState {
  const state = new DataView(new ArrayBuffer(STAT_BYTES))
  if (posixCalls().msgctl(id, IPC_STAT, state) < 0) throw new SystemCallError('msgctl', libc().errno())
  return {
    messages: Number(state.getBigUint64(MESSAGES_AT, true)),
    bytes: Number(state.getBigUint64(BYTES_AT, true)),
    maxBytes: Number(state.getBigUint64(MAX_BYTES_AT, true)),
    lastSendPid: state.getInt32(LAST_SEND_AT, true),
    lastReceivePid: state.getInt32(LAST_RECEIVE_AT, true),
  }
}

/** Whoever waits there fails with EIDRM. */
export function removeQueue(id: number): void {
  if (posixCalls().msgctl(id, IPC_RMID, null) < 0) throw new SystemCallError('msgctl', libc().errno())
}

/** msgmax: bytes of one message; msgmnb: of a new queue; msgmni: how many queues. Set with sysctl kernel.<name>=… */
export function queueLimit(name: 'msgmax' | 'msgmnb' | 'msgmni'): number {
  return Number(readFileSync(`/proc/sys/kernel/${name}`, 'utf8'))
}

/** The program of the children (and worker threads) in these tests: one role each, on the memory behind a descriptor. */
import { spawn } from 'node:child_process'
import { workerData } from 'node:worker_threads'
import { futexWait } from '#src/os/futex.js'
import { mapShared } from '#src/os/mapping.js'
import { lockByte, openOwn } from '#src/os/ofd-lock.js'
import { createPipe, drain } from '#src/os/pipe.js'
import { pollReadable } from '#src/os/poll.js'
import { dieWithParent } from '#src/os/prctl.js'
import { holdForLife } from '#src/os/robust-mutex.js'
import { ANSWER, ANSWER_2, ANSWER_3, CHILD_PROGRAM, COUNT, READY, SHARED_BYTES, TOKEN_OFFSET } from './support.js'

const role: string = workerData?.role ?? process.argv[2]
const fd: number = workerData?.fd ?? 3
const mapping = mapShared(fd, 0, SHARED_BYTES)
const words = new Int32Array(mapping.buffer)

const roles: Record<string, () => void> = {
  idle: ready,

  token() {
    Atomics.store(words, ANSWER, holdForLife(mapping.address + BigInt(TOKEN_OFFSET)))
    ready()
  },

  'ofd-lock'() {
    lockByte(openOwn(fd), 1000)
    ready()
  },

  /** Sleeps on a word that never changes, and counts how often it came back. */
  'futex-sleeper'() {
    ready()
    for (;;) {
      futexWait(mapping.address + BigInt(4 * ANSWER), 0, 60_000)
      Atomics.add(words, COUNT, 1)
    }
  },

  /** Has a doorbell, and counts the rings. */
  doorbell() {
    const pipe = createPipe()
    Atomics.store(words, ANSWER, pipe.write)
    Atomics.store(words, ANSWER_2, pipe.inode)
    Atomics.store(words, ANSWER_3, pipe.read)
    ready()
    for (;;) {
      if (!pollReadable([pipe.read], 250)) continue
      drain(pipe.read)
      Atomics.add(words, COUNT, 1)
    }
  },

  /** Starts a child that dies with it. */
  parent() {
    spawn(process.execPath, [CHILD_PROGRAM, 'dies-with-parent'], { stdio: ['ignore', 'inherit', 'inherit', fd] })
    setInterval(() => {}, 1000)
  },

  'dies-with-parent'() {
    dieWithParent(9)
    Atomics.store(words, ANSWER_2, process.pid)
    roles.token()
  },
}

function ready(): void {
  Atomics.store(words, READY, 1)
  setInterval(() => {}, 1000)
}

roles[role]()

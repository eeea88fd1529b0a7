// A copy of this process, in a tenth of the time that a new one takes to boot.
//
// Node cannot be forked as it is: V8 keeps its heap out of copies (MADV_DONTFORK), a copy has none of the helper threads, and
// Node remembers its pid. So the heap is let in before, the process runs with --single-threaded, in which V8 has no helpers,
// and the pid is put right. The copy runs synchronous code only: its event loop is that of the original and must not turn.
//
// Whatever runs makes objects, and so the heap may get a new page at any moment, which is kept out again: also between the
// last look at the heap and the fork (V8 of Node 26 takes the pages of its young space one by one). A copy without that page
// ends with SIGSEGV at its next object. So the look comes after the fork, while the copy waits: where it finds nothing that is
// kept out, nothing was when the copy was made; else the copy is thrown away before it has done anything.
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import process from 'node:process'
import koffi from 'koffi'
import { reap } from '#src/os/child-status.js'

const MADV_DOFORK = 11
const MINUTE = 60_000
/** Copies that are thrown away; one in two hundred is. */
const TRIES = 20

const libc = koffi.load(null)
const forkNow: () => number = libc.func('int fork()')
const pipe: (ends: Int32Array) => number = libc.func('int pipe(void *ends)')
const close: (fd: number) => number = libc.func('int close(int fd)')
const getpid: () => number = libc.func('int getpid()')
const madvise: (at: number, length: number, advice: number) => number = libc.func('int madvise(uintptr_t, size_t, int)')

/** Gives the pid of the copy, and in the copy 0. */
export function fork(): number {
  if (!process.execArgv.includes('--single-threaded')) throw new Error('expected to run with --single-threaded')
  for (let tries = 0; tries < TRIES; tries++) {
    const ends = new Int32Array(2)
    if (pipe(ends) < 0) throw new Error('no pipe')
    const [reading, writing] = ends
    const pid = forkNow()
    if (pid < 0) throw new Error('fork() failed')
    if (pid === 0) {
      close(writing)
      waitForWord(reading)
      Object.defineProperty(process, 'pid', { value: getpid(), enumerable: true, configurable: true })
      return pid
    }
    close(reading)
    const whole = letIn() === 0
    if (whole) writeSync(writing, word)
    else process.kill(pid, 'SIGKILL')
    close(writing)
    if (whole) return pid
    reap(pid, MINUTE)
  }
  throw new Error('expected a copy of the whole heap, but it had new pages each time')
}

const word = Buffer.alloc(1)

/** In the copy. If the mother is gone there is no word, and no copy. */
function waitForWord(fd: number): void {
  if (readSync(fd, word) === 0) process.kill(getpid(), 'SIGKILL')
  close(fd)
}

/** Outside the heap, so that reading leaves nothing on it. */
const text = Buffer.alloc(4 << 20)
/** Where the last number that was read ends. */
let behind = 0

/** Lets all memory into copies that is kept out; how many pieces it was. */
function letIn(): number {
  const length = readMaps()
  let pieces = 0
  let mapping = 0
  for (let at = 0; at < length; ) {
    let end = at
    while (text[end] !== 10) end++
    if (digit(text[at]) >= 0) mapping = at
    else if (isKeptOut(at, end)) {
      const from = hexadecimal(mapping)
      madvise(from, hexadecimal(behind + 1) - from, MADV_DOFORK)
      pieces++
    }
    at = end + 1
  }
  return pieces
}

function readMaps(): number {
  const fd = openSync('/proc/self/smaps', 'r')
  let length = 0
  for (;;) {
    const count = readSync(fd, text, length, 65_536, null)
    if (count === 0) break
    length += count
  }
  closeSync(fd)
  return length
}

/** `VmFlags: rd wr mr mw me dc nr`: "do not copy". */
function isKeptOut(at: number, end: number): boolean {
  if (text[at] !== 0x56 || text[at + 2] !== 0x46) return false
  for (let i = at; i < end; i++) if (text[i] === 0x20 && text[i + 1] === 0x64 && text[i + 2] === 0x63) return true
  return false
}

function hexadecimal(at: number): number {
  let value = 0
  for (behind = at; digit(text[behind]) >= 0; behind++) value = value * 16 + digit(text[behind])
  return value
}

/** Of a line in lower case; names of fields begin in upper case. */
function digit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1
}

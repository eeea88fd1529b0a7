// A copy of this process, in a tenth of the time that a new one takes to boot.
//
// Node cannot be forked as it is: V8 keeps its heap out of copies (MADV_DONTFORK), a copy has none of the helper threads, and
// Node remembers its pid. So the heap is let in before, the process runs with --single-threaded, in which V8 has no helpers,
// and the pid is put right. The copy runs synchronous code only: its event loop is that of the original and must not turn.
import { closeSync, openSync, readSync } from 'node:fs'
import process from 'node:process'
import koffi from 'koffi'

const MADV_DOFORK = 11

const libc = koffi.load(null)
const forkNow: () => number = libc.func('int fork()')
const getpid: () => number = libc.func('int getpid()')
const madvise: (at: number, length: number, advice: number) => number = libc.func('int madvise(uintptr_t, size_t, int)')

/** Gives the pid of the copy, and in the copy 0. */
export function fork(): number {
  if (!process.execArgv.includes('--single-threaded')) throw new Error('expected to run with --single-threaded')
  // looking takes memory, too; the second look nearly always finds nothing new
  while (letIn() > 0);
  const pid = forkNow()
  if (pid < 0) throw new Error('fork() failed')
  if (pid === 0) Object.defineProperty(process, 'pid', { value: getpid(), enumerable: true, configurable: true })
  return pid
}

/** Outside the heap, so that reading leaves nothing on it. */
const text = Buffer.alloc(4 << 20)
/** Where the last number that was read ends. */
let behind = 0

/**
 * Lets all memory into copies that is kept out; how many pieces it was. Where there is nothing to do it makes nothing on the
 * heap: what it makes might need a new page there, which would be kept out.
 */
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

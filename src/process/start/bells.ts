/**
 * The descriptors that threads of one process leave open when they end: the ends of their doorbells (arena/sleeper.ts).
 * Whoever started the thread closes them, or, when that was a thread that is gone as well, the one that started that one.
 *
 *   a row for each slot of the session:   token · reading end · writing end
 *
 *   0 ──the thread, when it begins──▶ token ──somebody clears──▶ CLEARING ──closed──▶ 0
 *
 * Who writes the words
 *   token    0 → token the thread itself; token → CLEARING → 0 whoever clears, once that thread is gone
 *   ends     the kernel, for the thread (os/pipe.ts); 0 by whoever clears
 *
 * The rows lie in ordinary memory of the process: when the process dies they go with it, and with the descriptors. A
 * thread that is terminated while it clears leaves two descriptors open, and the row to the next thread in that slot.
 */
import { compareExchange, load, store, type Words } from '#words'
import { SLOTS } from '../../arena/layout.ts'
import type { Session } from '../../arena/session.ts'
import { isGone, slotOf } from '../../arena/token.ts'
import { closeLeftPipe } from '../../os/pipe.ts'
import { pollReadable } from '../../os/poll.ts'

const ROW = 3
const CLEARING = -1
/** ms that a thread waits for whoever clears its row: longer than closing two descriptors ever takes. */
const PATIENCE = 100

let rows: Words | undefined

/** The rows of this process: made by the first thread that starts another, handed on to every one that is started. */
export function bellsOfProcess(given?: Words): Words {
  rows ??= given ?? new Int32Array(new SharedArrayBuffer(SLOTS * ROW * 4))
  return rows
}

/** In the thread, before it joins: the two words for its bell. */
export function ownBell(token: number): Words {
  const all = bellsOfProcess()
  const at = slotOf(token) * ROW
  clear(all, at)
  for (let ms = 0; load(all, at) === CLEARING && ms < PATIENCE; ms++) pollReadable([], 1)
  store(all, at + 1, 0)
  store(all, at + 2, 0)
  store(all, at, token)
  return all.subarray(at + 1, at + ROW)
}

/** Closes the bells of all threads of this process that are gone. */
export function closeBellsOfThreads(session: Session): void {
  const all = bellsOfProcess()
  for (let at = 0; at < all.length; at += ROW) {
    const token = load(all, at)
    if (token > 0 && isGone(session.w, token)) clear(all, at)
  }
}

function clear(all: Words, at: number): void {
  const token = load(all, at)
  if (token <= 0 || compareExchange(all, at, token, CLEARING) !== token) return
  closeLeftPipe(all.subarray(at + 1, at + ROW))
  store(all, at + 1, 0)
  store(all, at + 2, 0)
  store(all, at, 0)
}

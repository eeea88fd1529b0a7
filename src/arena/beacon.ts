/**
 * A descriptor that anything can watch (select, poll, epoll, another language): readable while there is something to be had.
 * It is a pipe of the process that asked for it; whoever makes something available lights it, by a byte through
 * /proc/<pid>/fd, as a doorbell is rung. Who never asks pays one load.
 *
 *   asked · cells[8], each: token · descriptor + 1 · inode · lit
 *
 *   FREE ──[N1] claim──▶ CLAIMED(me) ──[N2] show──▶ DARK(me) ──[N3] light──▶ LIT(me)
 *     ▲                                              │ ▲                        │
 *     └───────────[N5] close, or recovery────────────┘ └─────[N4] darken────────┘
 *
 * Who writes the words
 *   asked                     whoever claims a cell, to 1, before that; it stays
 *   token                     FREE → me only me [N1]; me → FREE only me, or my recovery [N5]
 *   descriptor, inode         only the owner [N2]; the descriptor also by [N5], before the token
 *   lit                       to 1 by anyone, before the byte [N3]; to 0 by the owner, after it drained the pipe [N4]
 *
 * Who shows a beacon looks afterwards, and lights it himself if need be; whoever changes something looks for beacons
 * afterwards. So one of the two sees the other. In the same way the owner looks again after [N4].
 *
 * If a process dies
 *   after [N1]             a cell without a descriptor, which nobody lights: its recovery frees it.
 *   after [N3]             `lit` is 1 and no byte was written: whoever recovers the dead lights all, whatever `lit` says.
 *   the owner              its pipe is gone with it; its recovery frees the cell.
 * Lit for nothing, because another took what was there, is possible until the owner looks; dark for nothing is not.
 */
import { compareExchange, exchange, load, store, type Words } from '#words'
import { closeFd, createPipeForThread, drain, openPeerPipe, type Pipe, writeByte } from '../os/pipe.ts'
import { pidOf } from './participants.ts'

const ASKED = 0
const FIRST = 4
const CELL = 4
/** How many participants may have a beacon for one thing at the same time. */
export const BEACONS = 8
export const BEACON_WORDS = FIRST + BEACONS * CELL

const TOKEN = 0
const DESCRIPTOR = 1
const INODE = 2
const LIT = 3

/** The owner's side of one. */
export class Beacon {
  readonly #w: Words
  readonly #cell: number
  readonly #me: number
  readonly #pipe: Pipe

  private constructor(w: Words, cell: number, me: number, pipe: Pipe) {
    this.#w = w
    this.#cell = cell
    this.#me = me
    this.#pipe = pipe
  }

  /** Undefined: as many as there may be are shown already. `at`: where the beacons lie. */
  static show(w: Words, at: number, me: number): Beacon | undefined {
    const cell = claim(w, at, me)
    if (cell < 0) return undefined
    let pipe: Pipe
    try {
      pipe = createPipeForThread()
    } catch (error) {
      store(w, cell + TOKEN, 0)
      throw error
    }
    showOwn(w, cell, pipe)
    return new Beacon(w, cell, me, pipe)
  }

  /** What is to be watched; never read from. */
  get fd(): number {
    return this.#pipe.read
  }

  light(): void {
    lightOwn(this.#w, this.#cell, this)
  }

  /** There was nothing just now. `ready` looks once more. */
  darken(ready: () => boolean): void {
    darkenOwn(this.#w, this.#cell, this, ready)
  }

  /** @internal */
  write(): void {
    writeByte(this.#pipe.write)
  }

  /** @internal */
  drain(): void {
    drain(this.#pipe.read)
  }

  close(): void {
    store(this.#w, this.#cell + DESCRIPTOR, 0)
    compareExchange(this.#w, this.#cell + TOKEN, this.#me, 0) // [N5]
    closeFd(this.#pipe.read)
    closeFd(this.#pipe.write)
  }
}

/** The pipe of a beacon; the interleaving checker brings a word in its place. */
export interface Lamp {
  write(): void
  drain(): void
}

/** @internal the owner's steps, and `claim`, for the interleaving checker. */
export function showOwn(w: Words, cell: number, pipe: { write: number; inode: number }): void {
  store(w, cell + INODE, pipe.inode | 0)
  store(w, cell + LIT, 0)
  store(w, cell + DESCRIPTOR, pipe.write + 1) // [N2] pairs with the load in lightAll
}

/** @internal */
export function lightOwn(w: Words, cell: number, lamp: Lamp): void {
  store(w, cell + LIT, 1)
  lamp.write()
}

/** @internal */
export function darkenOwn(w: Words, cell: number, lamp: Lamp, ready: () => boolean): void {
  lamp.drain()
  store(w, cell + LIT, 0) // [N4] pairs with [N3]
  if (ready()) lightOwn(w, cell, lamp)
}

/** @internal */
export function claim(w: Words, at: number, me: number): number {
  store(w, at + ASKED, 1) // first: a recovery looks at no cell before
  for (let i = 0; i < BEACONS; i++) {
    const cell = at + FIRST + i * CELL
    if (compareExchange(w, cell + TOKEN, 0, me) === 0) return cell // [N1]
  }
  return -1
}

/** After something was made available: whoever watches sees it. `arena`: the words that hold the participants. */
export function lightAll(arena: Words, w: Words, at: number, write: typeof reach = reach): void {
  if (load(w, at + ASKED) === 0) return
  for (let i = 0; i < BEACONS; i++) {
    const cell = at + FIRST + i * CELL
    if (load(w, cell + TOKEN) === 0) continue
    if (exchange(w, cell + LIT, 1) === 0) write(arena, w, cell) // [N3] publishes what was made available; pairs with [N4]
  }
}

/** For a recovery, as doorbells are: whatever `lit` says. The cells of `dead` are free. Does not throw. */
export function recoverBeacons(arena: Words, w: Words, at: number, dead: number, write: typeof reach = reach): void {
  if (load(w, at + ASKED) === 0) return
  for (let i = 0; i < BEACONS; i++) {
    const cell = at + FIRST + i * CELL
    const token = load(w, cell + TOKEN)
    if (token === dead) {
      store(w, cell + DESCRIPTOR, 0)
      compareExchange(w, cell + TOKEN, dead, 0) // [N5]
    } else if (token !== 0) {
      store(w, cell + LIT, 1)
      write(arena, w, cell)
    }
  }
}

/** The tokens of those who have a beacon here, for check. */
export function beaconsOf(w: Words, at: number): number[] {
  const tokens = Array.from({ length: BEACONS }, (_, i) => load(w, at + FIRST + i * CELL + TOKEN))
  return tokens.filter(token => token !== 0)
}

/** What was committed stays committed: a beacon that cannot be reached, in another pid namespace say, stays dark. */
function reach(arena: Words, w: Words, cell: number): void {
  const fd = load(w, cell + DESCRIPTOR) - 1
  const pid = pidOf(arena, load(w, cell + TOKEN))
  if (fd < 0 || pid === null) return // not shown yet, then its owner looks; or gone
  try {
    const pipe = openPeerPipe(pid, fd, load(w, cell + INODE) >>> 0)
    if (pipe === undefined) return
    writeByte(pipe)
    closeFd(pipe)
  } catch {
    // no descriptor left, say
  }
}

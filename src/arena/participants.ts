/**
 * Who is here: one slot for each participant (a thread; the main thread of a process counts as one).
 *
 *            [J1] reserve           [J2] join               [J3] seen to live
 *   FREE ──────────────▶ RESERVED ──────────────▶ JOINING ──────────────▶ LIVE
 *     ▲                     │ [J4] the parent          │                    │ ends, in any way
 *     │                     ▼ died, or gave up         ▼  [J5]              ▼  [J5]
 *     └─────────────────── DEAD ◀──────────────────────┴────────────────────┘
 *                    [J6] recovered
 *
 *   FREE ──[J8] enter, uninvited──▶ JOINING            (in the commons, where nobody starts anybody: session.ts)
 *
 * Who writes the state word (the generation is in it; by compareExchange where two could want to)
 *   FREE → RESERVED       a parent, under the roster latch, after `reservedBy` says who it is     [J1]
 *   RESERVED → JOINING    the child that was started for it, once it has the lock on byte `slot`
 *                         of the memory file                                                      [J2]
 *   FREE → JOINING        who comes uninvited, once it has the lock on byte `slot` of the memory file: so only
 *                         one at a time writes into a slot that is still FREE [J7], and then takes it [J8]
 *   JOINING → LIVE        the child, once it holds its mutex                                      [J3]
 *   RESERVED → DEAD       the parent, or whoever finds it gone: what was sent ahead is freed       [J4]
 *   any → DEAD            whoever knows that it ended: the kernel marked its mutex, its lock on
 *                         the memory file is gone, or its parent saw it exit                      [J5]
 *   DEAD → FREE           whoever finished its recovery                                           [J6]
 *
 * How an end is noticed. For life each participant holds a robust mutex that lies in its slot: the kernel sets a bit in
 * it when the thread ends in any way, and peers see that with one load. It can be missed, never be set falsely (another
 * library's broken mutex may hide ours from the kernel), so there is a second source for the process as a whole: a lock
 * on byte `slot` of the memory file, and the parent, which sees its child exit. No time-out ever declares anyone dead.
 *
 * If a process dies
 *   before [J1]            the slot is FREE, whatever `reservedBy` says.
 *   parent after [J1]      [J4] by whoever looks next. A child that was started all the same fails at [J2] and ends.
 *   (A child that comes late has the lock for a moment, until it fails at [J2]; who was given the slot meanwhile waits for
 *                         it, since who lives without the lock would be taken for dead.)
 *   child after [J2]       JOINING, and its lock on the file is gone: [J5].
 *   uninvited before [J8]  the slot is FREE, whatever it has written there: the next one writes it anew.
 *   uninvited after [J8]   as the child after [J2].
 *   child after [J3]       the kernel tells: [J5].
 *   in recovery            recovery.ts: another starts it again.
 */
import { compareExchange, load, pause, peek, poke, store, type Words } from '#words'
import { MultiprocError } from '../contract/errors.ts'
import { isByteLocked, lockByte, unlockByte } from '../os/ofd-lock.ts'
import { holdForLife, OWNER_DIED } from '../os/robust-mutex.ts'
import { within } from './latch.ts'
import { HEADER, SLOT, SLOT_WORDS, SLOTS, slotAt } from './layout.ts'
import {
  codeOf,
  DEAD,
  FREE,
  isGone,
  JOINING,
  LIVE,
  nextGeneration,
  RESERVED,
  slotOf,
  stateFor,
  stateOf,
  tokenOf,
} from './token.ts'

/** Takes a free slot for a child that is about to start (or for the first participant: `parent` 0). */
export function reserve(w: Words, parent: number, name: string): number {
  const take = () => reserveSlot(w, parent, name)
  const token = parent === 0 ? take() : within(w, w, HEADER.rosterLatch, parent, take)
  if (token === 0) throw allTaken()
  return token
}

function allTaken(): MultiprocError {
  return new MultiprocError(`Expected at most ${SLOTS} processes and threads in a session, all are taken`)
}

function reserveSlot(w: Words, parent: number, name: string): number {
  for (let slot = 0; slot < SLOTS; slot++) {
    const at = slotAt(slot)
    const state = load(w, at + SLOT.state)
    if (codeOf(state) !== FREE) continue
    for (let i = 1; i < SLOT.mutex; i++) poke(w, at + i, 0)
    poke(w, at + SLOT.reservedBy, parent)
    writeName(w, slot, name)
    if (slot > peek(w, HEADER.highestSlot)) store(w, HEADER.highestSlot, slot)
    const reserved = stateOf(nextGeneration(state), RESERVED)
    store(w, at + SLOT.state, reserved) // [J1] publishes reservedBy and the name
    return tokenOf(slot, reserved)
  }
  return 0
}

/** This thread becomes the participant `token`. False: the reservation was taken back, because the parent is gone. */
export function join(w: Words, token: number, ownFile: number, addressOf: (word: number) => bigint): boolean {
  const slot = slotOf(token)
  const at = slotAt(slot)
  const reserved = stateFor(token, RESERVED)
  for (let round = 0; !lockByte(ownFile, slot); round++) {
    if (load(w, at + SLOT.state) !== reserved) return false
    pause(round)
  }
  const seen = compareExchange(w, at + SLOT.state, reserved, stateFor(token, JOINING)) // [J2]
  if (seen !== reserved) {
    unlockByte(ownFile, slot)
    return false
  }
  settle(w, token, addressOf)
  return true
}

/** This thread becomes a participant to whom no slot was given, in a session where all come like that but the first. */
export function joinUninvited(w: Words, name: string, ownFile: number, addressOf: (word: number) => bigint): number {
  for (let slot = 0; slot < SLOTS; slot++) {
    if (codeOf(load(w, slotAt(slot) + SLOT.state)) !== FREE || !lockByte(ownFile, slot)) continue
    const token = occupy(w, slot, name)
    if (token !== 0) {
      settle(w, token, addressOf)
      return token
    }
    unlockByte(ownFile, slot)
  }
  throw allTaken()
}

/** Takes the slot, of whose byte this thread has the lock; 0: somebody else was there before. */
export function occupy(w: Words, slot: number, name: string): number {
  const at = slotAt(slot)
  const free = load(w, at + SLOT.state)
  if (codeOf(free) !== FREE) return 0
  for (let i = 1; i < SLOT.mutex; i++) poke(w, at + i, 0) // [J7]
  writeName(w, slot, name)
  for (let highest = load(w, HEADER.highestSlot); highest < slot; ) {
    const seen = compareExchange(w, HEADER.highestSlot, highest, slot)
    highest = seen === highest ? slot : seen
  }
  const joining = stateOf(nextGeneration(free), JOINING)
  return compareExchange(w, at + SLOT.state, free, joining) === free ? tokenOf(slot, joining) : 0 // [J8] publishes [J7]
}

/** From here on the kernel tells when this thread ends. */
function settle(w: Words, token: number, addressOf: (word: number) => bigint): void {
  const at = slotAt(slotOf(token))
  poke(w, at + SLOT.pid, process.pid)
  const word = holdForLife(addressOf(at + SLOT.mutex))
  if (word < 0) {
    throw new MultiprocError(
      'Expected robust mutexes that name their holder, as glibc and musl on Linux have them; this system has none, ' +
        'so a dead process could not be told from a slow one',
    )
  }
  poke(w, at + SLOT.liveness, word)
  store(w, at + SLOT.state, stateFor(token, LIVE)) // [J3] publishes pid and liveness
}

/** The parent takes a reservation back. False: the child was quicker, or it ended. */
export function withdraw(w: Words, token: number): boolean {
  const reserved = stateFor(token, RESERVED)
  return compareExchange(w, slotAt(slotOf(token)) + SLOT.state, reserved, stateFor(token, DEAD)) === reserved // [J4]
}

/** Declares dead whoever is known to have ended without having been seen to: the parent saw the process exit. */
export function declareDead(w: Words, token: number): void {
  const state = slotAt(slotOf(token)) + SLOT.state
  for (const code of [RESERVED, JOINING, LIVE]) {
    const was = stateFor(token, code)
    if (compareExchange(w, state, was, stateFor(token, DEAD)) === was) return // [J5]
  }
}

/**
 * Looks at every slot; gives the tokens of the dead that nobody recovers at the moment. One load for each living
 * participant, and one system call for the slot that is next in `turn`: the second source of truth.
 */
export function findDead(w: Words, ownFile: number, self: number, turn: number): number[] {
  const dead: number[] = []
  const highest = load(w, HEADER.highestSlot)
  const checked = turn % (highest + 1)
  for (let slot = 0; slot <= highest; slot++) {
    const at = slotAt(slot)
    const state = load(w, at + SLOT.state)
    const code = codeOf(state)
    if (code === FREE || slot === self) continue
    if (code === RESERVED) {
      const parent = load(w, at + SLOT.reservedBy)
      if (parent === 0 || !isGone(w, parent)) continue
    }
    const ended =
      code === DEAD ||
      code === RESERVED ||
      (code === LIVE && (load(w, at + SLOT.mutex + peek(w, at + SLOT.liveness)) & OWNER_DIED) !== 0) ||
      ((code === JOINING || slot === checked) && !isByteLocked(ownFile, slot))
    if (!ended) continue
    if (code !== DEAD && compareExchange(w, at + SLOT.state, state, stateFor(state, DEAD)) !== state) continue // [J4] [J5]
    const reaper = load(w, at + SLOT.reaper)
    if (reaper === 0 || isGone(w, reaper)) dead.push(tokenOf(slot, state))
  }
  return dead
}

/** The right to recover the dead participant: for one at a time, and for another when that one dies too. */
export function claim(w: Words, dead: number, me: number): boolean {
  const at = slotAt(slotOf(dead))
  const reaper = load(w, at + SLOT.reaper)
  if (reaper !== 0 && !isGone(w, reaper)) return false
  if (compareExchange(w, at + SLOT.reaper, reaper, me) !== reaper) return false
  if (load(w, at + SLOT.state) === stateFor(dead, DEAD)) return true
  compareExchange(w, at + SLOT.reaper, me, 0) // recovered meanwhile, and perhaps somebody else's by now
  return false
}

/** Gives the right back: the recovery cannot be finished yet. */
export function unclaim(w: Words, dead: number, me: number): void {
  compareExchange(w, slotAt(slotOf(dead)) + SLOT.reaper, me, 0)
}

/** The recovered slot may be given out again. The right to recover it stays ours until then: reserve() wipes it. */
export function release(w: Words, dead: number): void {
  const at = slotAt(slotOf(dead))
  for (let i = 1; i < SLOT_WORDS; i++) if (i !== SLOT.reaper) poke(w, at + i, 0)
  compareExchange(w, at + SLOT.state, stateFor(dead, DEAD), stateFor(dead, FREE)) // [J6]
}

/** This participant is ending by itself, and well: it did not die in the middle of anything. */
export function endInPeace(w: Words, slot: number): void {
  store(w, slotAt(slot) + SLOT.peace, 1)
}

/** Of one who is gone and not yet recovered: nobody and nothing killed it, and it did not fail. */
export function endedInPeace(w: Words, token: number): boolean {
  return load(w, slotAt(slotOf(token)) + SLOT.peace) === 1
}

export interface ParticipantRecord {
  readonly slot: number
  readonly token: number
  readonly pid: number
  /** The kernel's number of its thread; the pid for the main thread, 0 while it joins. */
  readonly thread: number
  readonly name: string
  readonly alive: boolean
}

/** Everybody in the session, the dead that are not yet recovered included. */
export function participants(w: Words): ParticipantRecord[] {
  const all: ParticipantRecord[] = []
  for (let slot = 0; slot <= load(w, HEADER.highestSlot); slot++) {
    const at = slotAt(slot)
    const state = load(w, at + SLOT.state)
    if (codeOf(state) === FREE) continue
    const token = tokenOf(slot, state)
    const pid = load(w, at + SLOT.pid)
    all.push({ slot, token, pid, thread: threadOf(w, slot), name: nameOf(w, slot), alive: !isGone(w, token) })
  }
  return all
}

/** The pid of the participant, or null when it is gone. */
export function pidOf(w: Words, token: number): number | null {
  return isGone(w, token) ? null : load(w, slotAt(slotOf(token)) + SLOT.pid)
}

/** How much each living process has of something, by pid, its threads together. `shares`: by token. */
export function countByPid(
  w: Words,
  shares: Iterable<readonly [token: number, count: number]>,
): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const [token, count] of shares) {
    const pid = pidOf(w, token)
    if (pid !== null) counts[pid] = (counts[pid] ?? 0) + count
  }
  return counts
}

/** The mutex names the thread that holds it (and keeps two flags above the number). */
function threadOf(w: Words, slot: number): number {
  const at = slotAt(slot)
  return codeOf(load(w, at + SLOT.state)) < LIVE ? 0 : load(w, at + SLOT.mutex + peek(w, at + SLOT.liveness)) & THREAD
}

const THREAD = 0x3fffffff
const NAME_BYTES = 64

function writeName(w: Words, slot: number, name: string): void {
  const bytes = new Uint8Array(NAME_BYTES)
  new TextEncoder().encodeInto(name, bytes)
  const words = new Int32Array(bytes.buffer)
  for (let i = 0; i < words.length; i++) poke(w, slotAt(slot) + SLOT.name + i, words[i])
}

/** The name of the participant in the slot. */
export function nameOf(w: Words, slot: number): string {
  const words = new Int32Array(NAME_BYTES / 4)
  for (let i = 0; i < words.length; i++) words[i] = peek(w, slotAt(slot) + SLOT.name + i)
  return new TextDecoder().decode(words).replace(/\0.*$/s, '')
}

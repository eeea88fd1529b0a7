/**
 * How this thread sleeps: in the kernel while it blocks, in its event loop while it awaits. One for each participant, so
 * one for each session the thread is in.
 *
 * The words are drawn in doorbell.ts; this is the owner's side of them. For the awaited side:
 *
 *   nothing to wait for ──wait()──▶ looking (some turns of the loop) ──▶ armed (marked, watching the pipe)
 *           ▲                           │ everybody served                │ rung, or a tick
 *           └───────────────────────────┴─────────────────────────────────┘
 *
 * Looking first pays when the answer is microseconds away: a turn of the loop costs less than waking a process. It is
 * off with one usable core, where it would only keep the other side from running.
 */
import { constants } from 'node:fs'
import { Socket } from 'node:net'
import { sleep, store } from '#words'
import { usableCpus } from '../os/cpu.ts'
import { endWithThread } from '../os/descriptor.ts'
import { createPipe } from '../os/pipe.ts'
import { AWAITING, AWAKE, BLOCKED, heard } from './doorbell.ts'
import { SLOT, slotAt } from './layout.ts'
import type { Segment } from './segment.ts'

const { O_NONBLOCK, O_WRONLY } = constants

/** What the sleeper wakes: all who wait for one thing in this thread (until.ts). */
export interface Waiters {
  /** Serves whom it can; true while somebody is left. */
  serve(): boolean
  /** Marks this thread as waiting; what changes from here on rings. */
  mark(): void
  unmark(): void
  /** Look for it for some turns of the loop before going to sleep. */
  readonly hopeful: boolean
}

/** An unbounded wait in the kernel would keep worker.terminate() and signal handlers waiting as well. */
const SLICE = 250
/** How often an awaiting thread looks for the dead: their parent usually says so at once. */
const TICK = 500
/** Turns of the loop: some 50 µs of an otherwise idle loop. */
const TURNS = 100
/** They end after this time, ms, which is looked at after so many turns: in a program that has just started each takes ten times as long. */
const LONGEST_LOOK = 0.1
const CLOCK_EVERY = 16

/** Of this thread, one for each session it is in: it blocks in one of them for all. */
const sleepers = new Set<Sleeper>()
let blocking = false

export class Sleeper {
  readonly #segment: Segment
  readonly #slot: number
  readonly #at: number
  readonly #lookForDead: () => void
  /** Where the descriptors of the bell are written down, when others close them after this thread. */
  readonly #descriptors: Int32Array | undefined
  readonly #waiting = new Set<Waiters>()
  readonly #spinning = usableCpus() > 1
  #socket: Socket | undefined
  #ticker: NodeJS.Timeout | undefined
  #armed = false
  #turns = 0
  #lookUntil = 0
  #turning = false
  #lookingAgain = false
  #blocked = false

  constructor(segment: Segment, slot: number, lookForDead: () => void, descriptors?: Int32Array) {
    this.#segment = segment
    this.#descriptors = descriptors
    this.#slot = slot
    this.#at = slotAt(slot)
    this.#lookForDead = lookForDead
    sleepers.add(this)
  }

  /** True when looking for a while before sleeping can help at all. */
  get spinning(): boolean {
    return this.#spinning
  }

  // ── blocking ──

  /** Blocks until `served` says so or the time is over. `served` marks, looks, and says whether all is done. */
  block(deadline: number, served: () => boolean): void {
    const w = this.#segment.words
    const outermost = !blocking
    const outer = this.#blocked
    blocking = true
    this.#blocked = true
    // Those who await in this thread cannot take anything until it goes on: let nobody be rung in their stead.
    if (outermost) for (const sleeper of sleepers) sleeper.#standAside()
    store(w, this.#at + SLOT.asleep, BLOCKED) // pairs with the load in reach(), doorbell.ts
    try {
      for (;;) {
        if (served()) return
        const left = deadline - performance.now()
        if (left <= 0) return
        sleep(w, this.#at + SLOT.rung, 0, Math.min(left, SLICE))
        if (!heard(w, this.#slot)) this.#lookForDead()
      }
    } finally {
      this.#blocked = outer
      if (!outer) store(w, this.#at + SLOT.asleep, this.#armed ? AWAITING : AWAKE)
      if (outermost) {
        blocking = false
        for (const sleeper of sleepers) sleeper.#comeBack()
      }
    }
  }

  #standAside(): void {
    for (const waiters of this.#waiting) waiters.unmark()
  }

  /** Rings that came meanwhile may have been meant for those who await. */
  #comeBack(): void {
    if (this.#armed) setImmediate(() => this.#look())
  }

  /** Recovers whoever died: also somebody whose latch is in the way. */
  lookForDead(): void {
    this.#lookForDead()
  }

  // ── awaiting ──

  /** The event loop turns for those who wait; nobody has to be woken. */
  get looking(): boolean {
    return this.#turns > 0
  }

  wait(waiters: Waiters): void {
    this.#waiting.add(waiters)
    if (this.#spinning && waiters.hopeful) {
      this.#turns = TURNS
      this.#lookUntil = performance.now() + LONGEST_LOOK
    }
    if (this.#turns > 0) this.#turn()
    else if (this.#armed) this.#lookAt(waiters)
    else this.#arm()
  }

  /** Nobody of these waits any more. */
  forget(waiters: Waiters): void {
    if (this.#waiting.delete(waiters) && this.#waiting.size === 0) this.#disarm()
  }

  /** Looks again soon: a latch was held by somebody who takes long. Once for all who ask meanwhile. */
  again(): void {
    if (this.#lookingAgain) return
    this.#lookingAgain = true
    setTimeout(() => {
      this.#lookingAgain = false
      this.#look()
    }, 1)
  }

  #turn(): void {
    if (this.#turning) return
    this.#turning = true
    setImmediate(() => {
      this.#turning = false
      this.#serve()
      if (this.#waiting.size === 0) return
      this.#turns--
      if (this.#turns % CLOCK_EVERY === 0 && performance.now() > this.#lookUntil) this.#turns = 0
      if (this.#turns > 0) this.#turn()
      else this.#arm()
    })
  }

  #serve(): void {
    for (const waiters of this.#waiting) if (!waiters.serve()) this.forget(waiters)
  }

  #arm(): void {
    if (!this.#armed) {
      this.#armed = true
      // a timer for each wait would cost as much as the wait: the last one is left running for the next
      if (this.#ticker === undefined) this.#ticker = setInterval(() => this.#tick(), TICK)
      else this.#ticker.ref()
      this.#watch()
      if (!this.#blocked) store(this.#segment.words, this.#at + SLOT.asleep, AWAITING)
    }
    this.#look()
  }

  #tick(): void {
    if (!this.#armed) {
      clearInterval(this.#ticker)
      this.#ticker = undefined
      return
    }
    this.#watch()
    this.#lookForDead()
    this.#look()
  }

  /** With no descriptor left for a bell the tick has to do; the next one tries again. */
  #watch(): void {
    try {
      this.#openBell().ref()
    } catch {
      this.#socket = undefined
    }
  }

  /** Marks, and only then looks; whoever changes something afterwards sees the mark. */
  #look(): void {
    do {
      for (const waiters of this.#waiting) this.#lookAt(waiters)
    } while (this.#waiting.size > 0 && heard(this.#segment.words, this.#slot))
  }

  #lookAt(waiters: Waiters): void {
    waiters.mark()
    if (!waiters.serve()) this.forget(waiters)
  }

  #disarm(): void {
    this.#turns = 0
    if (!this.#armed) return
    this.#armed = false
    this.#ticker?.unref()
    this.#socket?.unref()
    if (!this.#blocked) store(this.#segment.words, this.#at + SLOT.asleep, AWAKE)
  }

  /** The pipe is made when it is first needed: a program that only blocks has none. */
  #openBell(): Socket {
    if (this.#socket) return this.#socket
    const w = this.#segment.words
    const pipe = createPipe(this.#descriptors)
    const write = this.#descriptors ? pipe.write : endWithThread(pipe.write, O_WRONLY | O_NONBLOCK)
    store(w, this.#at + SLOT.bellInode, pipe.inode)
    store(w, this.#at + SLOT.bell, write)
    const buffer = Buffer.alloc(256)
    const onread = {
      buffer,
      callback: () => {
        heard(w, this.#slot)
        this.#look()
        return true
      },
    }
    // `onread` spares a buffer for each ring. It is not in the types for descriptors, but is the documented option.
    this.#socket = new Socket({ fd: pipe.read, readable: true, writable: false, onread } as ConstructorParameters<
      typeof Socket
    >[0])
    this.#socket.on('error', () => {})
    this.#socket.resume()
    return this.#socket
  }
}

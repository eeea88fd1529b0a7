/**
 * This thread's part in a session: the memory, who it is in there, and the handles it has.
 *
 * A session is a main program and its descendants. Its memory is made by the first object or process that needs it, so
 * importing the package costs nothing; children inherit it as a file descriptor.
 */
import type { Words } from '#words'
import { MultiprocError } from '../contract/errors.ts'
import { setCloseOnExec } from '../os/descriptor.ts'
import { memoryAvailable, parseBytes } from '../os/memory.ts'
import { openOwn } from '../os/ofd-lock.ts'
import { unmapOrphans } from '../os/orphans.ts'
import { requirePlatform } from '../os/platform.ts'
import { Allocator } from './allocator.ts'
import { closeBellsOfTheGone } from './doorbell.ts'
import { kindOf } from './kinds.ts'
import { OBJECT } from './owner.ts'
import { declareDead, findDead, join, reserve, withdraw } from './participants.ts'
import { recover } from './recovery.ts'
import { allocateObject, dropReference, kindCode, publishObject } from './references.ts'
import { initialiseRuns } from './runs.ts'
import { Segment } from './segment.ts'
import { Adoption, type SharedObject } from './shared-object.ts'
import { Sleeper } from './sleeper.ts'
import { slotOf } from './token.ts'

/** Collected handles after which slabs that became empty are looked for: many objects were there, and are not. */
const TRIM_EVERY = 10_000
/** A process takes milliseconds to be gone after its main thread is, longer on a busy machine. ms */
const LOOK_AGAIN = 50

/** Where a session lies in a process, the same for all its threads. The descriptor is the founder's to close. */
export interface SessionPlace {
  readonly fd: number
  readonly base: bigint | undefined
}

export class Session {
  readonly segment: Segment
  /** The first window of the segment: the arena's own words. */
  readonly w: Words
  /** This participant's token, and its slot. */
  readonly me: number
  readonly slot: number
  readonly allocator: Allocator
  readonly sleeper: Sleeper
  /** A private description of the memory file: its locks end with this process. */
  readonly ownFile: number
  readonly #handles = new Map<number, WeakRef<SharedObject>>()
  readonly #collected = new FinalizationRegistry<number>(address => this.#afterCollection(address))
  #looks = 0
  #lookAgain: NodeJS.Timeout | undefined
  #dropped = 0

  private constructor(segment: Segment, token: number, bell?: Int32Array) {
    this.segment = segment
    this.w = segment.words
    this.me = token
    this.slot = slotOf(token)
    this.ownFile = openOwn(segment.fd)
    if (!join(this.w, token, this.ownFile, word => segment.addressOf(word))) {
      throw new MultiprocError(
        'Expected the process that started this one to be alive; it ended, so there is nothing to join',
      )
    }
    this.allocator = new Allocator(segment, token, () => this.lookForDead())
    this.sleeper = new Sleeper(segment, this.slot, () => this.lookForDead(), bell)
  }

  /** A new memory, with this thread as its first participant. */
  static found(): Session {
    requirePlatform()
    unmapOrphans()
    const segment = Segment.create(memoryLimit())
    initialiseRuns(segment.words)
    return new Session(segment, reserve(segment.words, 0, 'MainProcess'))
  }

  /** The memory inherited as descriptor `fd`, joined as the participant that the parent reserved. */
  static join(fd: number, token: number): Session {
    requirePlatform()
    setCloseOnExec(fd)
    return new Session(Segment.attach(fd), token)
  }

  /** The memory that another thread of this process has mapped, joined as the participant that thread reserved. */
  static joinThread({ fd, base }: SessionPlace, token: number, bell: Int32Array): Session {
    requirePlatform()
    return new Session(Segment.attach(fd, base), token, bell)
  }

  /** Where the session lies in this process, for a thread to join it. */
  get place(): SessionPlace {
    return { fd: this.segment.fd, base: this.segment.base }
  }

  /** The memory's descriptor, for a child to inherit. */
  get fd(): number {
    return this.segment.fd
  }

  // ── company ──

  /** A participant's token for a child that is about to start. */
  reserve(name: string): number {
    return reserve(this.w, this.me, name)
  }

  /** The child, the whole process, has ended: recover what it left and wake everybody. */
  childEnded(token: number): void {
    declareDead(this.w, token)
    this.lookForDead()
  }

  /** Takes a reservation back that no child has used so far; it cannot join any more. False: it has joined. */
  withdraw(token: number): boolean {
    const withdrawn = withdraw(this.w, token)
    if (withdrawn) this.lookForDead()
    return withdrawn
  }

  /** Recovers whoever died without anybody having noticed. */
  lookForDead(): void {
    let unfinished = false
    for (const dead of findDead(this.w, this.ownFile, this.slot, this.#looks++)) {
      if (!recover(this, dead)) unfinished = true
    }
    closeBellsOfTheGone(this.w)
    // The dead's process was not gone yet, or a latch was held for long. Nobody may wait here, so nothing else would look.
    if (unfinished) this.#lookAgain ??= setTimeout(() => this.#lookedAgain(), LOOK_AGAIN).unref()
  }

  #lookedAgain(): void {
    this.#lookAgain = undefined
    this.lookForDead()
  }

  // ── objects ──

  /** A new object of the kind, private until publish(). */
  create(kind: number, bodyWords: number): Adoption {
    return new Adoption(this, allocateObject(this, kind, bodyWords))
  }

  publish(object: { address: number }, others: readonly number[] = []): void {
    publishObject(this, object.address, others)
  }

  /** This thread's handle on the object: the one it has, or a new one. It must hold a reference already. */
  handle(address: number): SharedObject {
    const known = this.#handles.get(address)?.deref()
    return known ?? kindOf(kindCode(this, address)).open(new Adoption(this, address))
  }

  /** A handle was built: its reference goes when it is collected, if not before. */
  keep(handle: SharedObject): void {
    this.#handles.set(handle.address, new WeakRef(handle))
    this.#collected.register(handle, handle.address, handle)
  }

  /** The handle was closed. */
  release(address: number): void {
    const handle = this.#handles.get(address)?.deref()
    if (handle) this.#collected.unregister(handle)
    this.#handles.delete(address)
    dropReference(this, address)
  }

  #afterCollection(address: number): void {
    if (this.#handles.get(address)?.deref() !== undefined) return // a new handle on the same object came meanwhile
    if (!this.#handles.delete(address)) return
    dropReference(this, address)
    if (++this.#dropped % TRIM_EVERY === 0) this.allocator.trim()
  }

  /** An object whose owner word says that this participant takes it apart. */
  takeApart(address: number): void {
    kindOf(kindCode(this, address)).takeApart(this, address)
    if (this.allocator.swapOwner(address, this.me | OBJECT, this.me)) this.allocator.free(address)
  }
}

let current: Session | undefined

/** This thread's session; founded on first use in a main program. */
export function currentSession(): Session {
  current ??= Session.found()
  return current
}

/** In a child, before anything else. */
export function attachSession(fd: number, token: number): Session {
  current = Session.join(fd, token)
  return current
}

/** As attachSession(), in a thread; `bell`: two words for the descriptors that are closed when it has ended. */
export function shareSession(place: SessionPlace, token: number, bell: Int32Array): Session {
  current = Session.joinThread(place, token, bell)
  return current
}

/** The ceiling: MULTIPROC_MEMORY_LIMIT, or half of what this process may use. */
function memoryLimit(): number {
  const asked = process.env.MULTIPROC_MEMORY_LIMIT
  return asked ? parseBytes(asked) : Math.floor(memoryAvailable() / 2)
}

/**
 * This thread's part in a session: the memory, who it is in there, and the handles it has.
 *
 * A session is a main program and its descendants. Its memory is made by the first object or process that needs it, so
 * importing the package costs nothing; children inherit it as a file descriptor.
 *
 * A thread may be in one more: the commons, where programs that did not start each other meet (commons/meeting.ts). It is a
 * session like any other, but that nobody is invited: each takes a slot for itself.
 */
import type { Words } from '#words'
import { MultiprocError } from '../contract/errors.ts'
import { closeFd, setCloseOnExec } from '../os/descriptor.ts'
import { areViewsMost, collectGarbage, collectYoung, isCollectionDue, noteFreed } from '../os/garbage.ts'
import { wholeMapping } from '../os/maps.ts'
import { memoryAvailable, parseBytes } from '../os/memory.ts'
import { openOwn } from '../os/ofd-lock.ts'
import { unmapOrphans } from '../os/orphans.ts'
import { requirePlatform } from '../os/platform.ts'
import { Allocator } from './allocator.ts'
import { closeBellsOfTheGone } from './doorbell.ts'
import { elsewhere } from './elsewhere.ts'
import { kindOf } from './kinds.ts'
import { OBJECT } from './owner.ts'
import { declareDead, endInPeace, findDead, join, joinUninvited, reserve, withdraw } from './participants.ts'
import { recover } from './recovery.ts'
import { allocateObject, dropReference, kindCode, publishObject } from './references.ts'
import { initialiseRuns } from './runs.ts'
import { Segment } from './segment.ts'
import { Adoption, type SharedObject } from './shared-object.ts'
import { Sleeper } from './sleeper.ts'
import { slotOf } from './token.ts'
import { YoungHandles } from './young-handles.ts'

/** Collected handles after which slabs that became empty are looked for: many objects were there, and are not. */
const TRIM_EVERY = 10_000
/** A process takes milliseconds to be gone after its main thread is, longer on a busy machine. ms */
const LOOK_AGAIN = 50
/** A collection that freed no handle is not tried again for so many times as long as it took. */
const FRUITLESS = 20

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
  /** Of a thread that calls collectYoung(). */
  #young: YoungHandles | undefined
  /** Objects to take apart: those among them that are this participant's. */
  readonly #condemned = new Set<number>()
  #takingApart = false
  #looks = 0
  #lookAgain: NodeJS.Timeout | undefined
  #dropped = 0
  #collectNotBefore = 0

  private constructor(segment: Segment, ownFile: number, token: number, bell?: Int32Array) {
    this.segment = segment
    this.w = segment.words
    this.me = token
    this.slot = slotOf(token)
    this.ownFile = ownFile
    this.allocator = new Allocator(segment, token, () => this.#reclaim())
    this.sleeper = new Sleeper(segment, this.slot, () => this.lookForDead(), bell)
    process.once('exit', code => {
      if ((process.exitCode ?? code) === 0) endInPeace(this.w, this.slot)
    })
  }

  /** A new memory, with this thread as its first participant. `file` is what the memory is called in /proc. */
  static found(name = 'MainProcess', file = 'multiproc'): Session {
    requirePlatform()
    unmapOrphans(file)
    const segment = Segment.create(memoryLimit(), file)
    initialiseRuns(segment.words)
    return Session.#joined(segment, reserve(segment.words, 0, name))
  }

  /** An inherited memory, joined as the participant that the parent reserved. */
  static join(segment: Segment, token: number): Session {
    return Session.#joined(segment, token)
  }

  static #joined(segment: Segment, token: number, bell?: Int32Array): Session {
    const ownFile = openOwn(segment.fd)
    if (!join(segment.words, token, ownFile, word => segment.addressOf(word))) {
      closeFd(ownFile)
      throw new MultiprocError(
        'Expected the process that started this one to be alive; it ended, so there is nothing to join',
      )
    }
    return new Session(segment, ownFile, token, bell)
  }

  /** The memory behind descriptor `fd`, which becomes this session's, joined without an invitation. */
  static enter(fd: number, name: string): Session {
    const segment = Segment.attach(fd, wholeMapping(fd)) // perhaps another thread of this process is in it already
    const ownFile = openOwn(fd)
    try {
      return new Session(
        segment,
        ownFile,
        joinUninvited(segment.words, name, ownFile, word => segment.addressOf(word)),
      )
    } catch (error) {
      closeFd(ownFile)
      throw error
    }
  }

  /** The memory that another thread of this process has mapped, joined as the participant that thread reserved. */
  static joinThread({ fd, base }: SessionPlace, token: number, bell: Int32Array): Session {
    requirePlatform()
    return Session.#joined(Segment.attach(fd, base), token, bell)
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
    try {
      return reserve(this.w, this.me, name)
    } catch {
      this.lookForDead() // all are taken, but perhaps not all by somebody: there may be dead that nobody has noticed
      return reserve(this.w, this.me, name)
    }
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

  /** A new object of the kind, private until publish(); with data behind its body when it shall have more `bytes` than that. */
  create(kind: number, bodyWords: number, bytes = 0): Adoption {
    return new Adoption(this, allocateObject(this, kind, bodyWords, bytes))
  }

  publish(object: { address: number }, others: readonly number[] = []): void {
    publishObject(this, object.address, others)
  }

  /** What this thread's user has of the object: what is there already, or made anew. It must hold a reference already. */
  handle(address: number): object {
    const known = this.known(address)
    return (known ?? kindOf(kindCode(this, address)).open(new Adoption(this, address))).face
  }

  /** The handle of this thread on the object, if it has one. */
  known(address: number): SharedObject | undefined {
    const handle = this.#handleOn(address)
    return handle?.closed ? undefined : handle // closed, and no stack was left to drop it
  }

  #handleOn(address: number): SharedObject | undefined {
    return this.#young?.get(address) ?? this.#handles.get(address)?.deref()
  }

  /** A handle was built: its reference goes when it is collected, if not before. `isYoung`: that may be soon, and much hangs on it. */
  keep(handle: SharedObject, isYoung = false): void {
    if (isYoung && this.#young?.add(handle)) {
      this.#handles.delete(handle.address) // of one that was collected, and is not to be dropped any more
      return
    }
    this.#handles.set(handle.address, new WeakRef(handle))
    this.#collected.register(handle, handle.address, handle)
  }

  /** The handle was closed. */
  release(address: number): void {
    const handle = this.#handles.get(address)?.deref()
    dropReference(this, address)
    if (handle) this.#collected.unregister(handle)
  }

  /** The reference of the handle on it goes now. */
  forget(address: number): void {
    this.#handles.delete(address)
    this.#young?.delete(address)
  }

  #afterCollection(address: number): void {
    if (this.#handleOn(address) !== undefined) return // a new handle on the same object came meanwhile
    if (!this.#handles.has(address)) return // it was closed
    this.#drop(address)
  }

  #drop(address: number): void {
    dropReference(this, address)
    if (++this.#dropped % TRIM_EVERY === 0) this.allocator.trim()
  }

  /**
   * Collects what is young, if that is due, and drops the references of handles that go with it: not to be called while a message
   * is opened. For a thread that does so again and again: what comes after the first time can be found to be gone.
   */
  collectYoung(): void {
    if (!isCollectionDue()) return
    this.#young ??= new YoungHandles(handle => this.keep(handle))
    this.#collectBy(collectYoung)
  }

  #collectBy(collect: () => void): void {
    if (this.#young === undefined) {
      collect()
      return
    }
    const mostly = areViewsMost()
    const { gone, stayed } = this.#young.collect(collect)
    if (mostly && gone.size > stayed.length) noteFreed()
    for (const handle of stayed) this.keep(handle)
    for (const address of gone) this.#drop(address)
  }

  /** There is no memory left: what the dead owned may be all that is missing, or handles that nobody can reach any more. */
  #reclaim(): void {
    this.lookForDead()
    const before = this.#count()
    const began = performance.now()
    if (before === 0 || began < this.#collectNotBefore) return
    this.#collectBy(collectGarbage)
    for (const address of [...this.#handles.keys()]) this.#afterCollection(address)
    const ended = performance.now()
    if (this.#count() === before) this.#collectNotBefore = ended + (ended - began) * FRUITLESS
  }

  #count(): number {
    return this.#handles.size + (this.#young?.size ?? 0)
  }

  /** This participant is about to claim the object, for takeApart(). */
  condemn(address: number): void {
    this.#condemned.add(address)
  }

  /**
   * Takes apart what was condemned and is this participant's, as the owner words say. What goes with an object comes after it
   * and not inside: a queue in a queue in a queue … may be longer than the stack. When no stack is left for it, the next call
   * goes on, as another participant would if this one had died.
   */
  takeApart(): void {
    if (this.#condemned.size === 0 || this.#takingApart) return
    this.#takingApart = true
    try {
      for (const address of this.#condemned) {
        let isMine = this.allocator.owner(address) === (this.me | OBJECT)
        if (isMine) {
          kindOf(kindCode(this, address)).takeApart(this, address)
          isMine = this.allocator.swapOwner(address, this.me | OBJECT, this.me)
        }
        this.#condemned.delete(address) // before: what is free may soon be something else
        if (isMine) this.allocator.free(address)
      }
    } finally {
      this.#takingApart = false
    }
  }
}

let own: Session | undefined

/** The session of this program and its descendants; founded on first use in a main program. */
export function ownSession(): Session {
  own ??= Session.found()
  return own
}

/** The same, if this thread is in it already. */
export const joinedSession = (): Session | undefined => own

/** Where an object that is made now is to lie: in this program's own session, but for what share() makes. */
export function currentSession(): Session {
  return elsewhere() ?? ownSession()
}

/** In a child, before anything else: maps the memory inherited as descriptor `fd`. It is nobody in it yet. */
export function mapSession(fd: number): Segment {
  requirePlatform()
  setCloseOnExec(fd)
  return Segment.attach(fd)
}

/** In a child: joins as the participant that its parent reserved. */
export function attachSession(segment: Segment, token: number): Session {
  own = Session.join(segment, token)
  return own
}

/** As attachSession(), in a thread; `bell`: two words for the descriptors that are closed when it has ended. */
export function shareSession(place: SessionPlace, token: number, bell: Int32Array): Session {
  own = Session.joinThread(place, token, bell)
  return own
}

/** The ceiling: MULTIPROC_MEMORY_LIMIT, or half of what this process may use. */
function memoryLimit(): number {
  const asked = process.env.MULTIPROC_MEMORY_LIMIT
  return asked ? parseBytes(asked) : Math.floor(memoryAvailable() / 2)
}

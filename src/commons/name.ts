/**
 * One name in the commons, and what is shared by it. The names are a list that begins in the header of the memory.
 *
 *            [N3] claim                    [N5] fulfil
 *   EMPTY ───────────────▶ CREATING(by) ───────────────▶ READY          (for as long as anybody holds the name)
 *     ▲   ◀─────────────────┘ │ by dies
 *     │     [N7] give up      ├──[N4] claim: taken over──▶ CREATING(another)
 *     └───────────────────────┘ [D1] recovery
 *
 *   state · wait set · next name · value · length of the name · its bytes
 *
 * Who writes the words
 *   EMPTY → CREATING(me)           only me, by compareExchange                        [N3]
 *   CREATING(dead) → CREATING(me)  only me, by compareExchange, once it is gone       [N4]
 *   CREATING(me) → READY, EMPTY    only me                                            [N5] [N7]
 *   CREATING(dead) → EMPTY         its recovery                                       [D1]
 *   value                          whoever is creating, before [N5]; never after, until the name is taken apart
 *   the list                       under the references latch, so that a name that is found is also held: one store puts
 *                                  a name at its beginning [N2], one store takes it out [N9]
 *   name, length                   before [N1], never after
 *
 * The value is a message in a block of its own (a parcel, if it carries handles) that belongs to the name: QUEUED. Everybody
 * who comes reads it; the objects it carries live as long as it does.
 *
 * If a process dies
 *   before [N1]            a private block: freed with its owner.
 *   after [N1]             an object that is in no list: its holder is forgotten, and it is taken apart.
 *   after [N3], [N4]       whoever comes next takes over. Those who sleep are rung by the recovery, and come. What it made
 *                          is freed with it; so is its value, which nobody sees before [N5].
 *   between [N5] and [N6]  the value is there, its block still the dead's: the recovery hands it to the name [D2].
 *   before [N8]            nobody was rung: the recovery rings everybody.
 *   taking it apart        the owner word says so: recovery goes on with it. [D2] if it was after [N10].
 */
import { compareExchange, load, peek, poke, store, type Words } from '#words'
import { checkHolder, checkWaiters } from '../arena/check.ts'
import type { Kind } from '../arena/kinds.ts'
import { HEADER, toAddress, toRef } from '../arena/layout.ts'
import { isDying, ownerOf, PARCEL, QUEUED, SHARED } from '../arena/owner.ts'
import { discardParcel, readParcel, sealParcel } from '../arena/parcel.ts'
import { bodyAt, holdReference, parcelContents, underReferences } from '../arena/references.ts'
import type { Session } from '../arena/session.ts'
import { type Adoption, SharedObject } from '../arena/shared-object.ts'
import { isGone, slotOf } from '../arena/token.ts'
import { Line, NONE } from '../arena/until.ts'
import { forget, markedIn, WAIT_SET_WORDS, wakeAll, wakeOne } from '../arena/wait-set.ts'
import { decode, encode } from '../codec/codec.ts'
import type { WaitOptions } from '../contract/waiting.ts'

const KIND = 14
const STATE = 0
export const WAITERS = 1
const NEXT = WAITERS + WAIT_SET_WORDS
export const VALUE = NEXT + 1
const LENGTH = NEXT + 2
const TEXT = NEXT + 3
/** UTF-8. */
export const MAX_NAME = 255
const WORDS = TEXT + 64

const EMPTY = 0
/** No token: its slot bits are 0. */
const READY = 1 << 11

/** What a claim came to. */
export const MINE = 1 //   this participant creates the value, and nobody else does
export const THERE = 2 //  the value is there
export const OTHERS = 3 // somebody else is creating it

/** Tries once. `arena`: the words that hold the participants; `w`, `at`: the name's own. */
export function claimName(arena: Words, w: Words, at: number, me: number): number {
  const seen = compareExchange(w, at + STATE, EMPTY, me) // [N3]
  if (seen === EMPTY) return MINE
  if (seen === READY) return THERE
  if (seen === me || !isGone(arena, seen)) return OTHERS
  return compareExchange(w, at + STATE, seen, me) === seen ? MINE : OTHERS // [N4]
}

/** The value in `block` is everybody's. Only for whoever creates it. */
export function fulfilName(w: Words, at: number, block: number): void {
  poke(w, at + VALUE, toRef(block))
  store(w, at + STATE, READY) // [N5] publishes the value; pairs with [N3]
}

/** There will be no value of this participant's. */
export function giveNameUp(arena: Words, w: Words, at: number, me: number): void {
  compareExchange(w, at + STATE, me, EMPTY) // [N7]
  wakeOne(arena, w, at + WAITERS) // [N8]
}

/** The name's part in the recovery of `dead`; gives the value's block, if there is one. */
export function recoverName(w: Words, at: number, dead: number): number {
  compareExchange(w, at + STATE, dead, EMPTY) // [D1]
  forget(w, at + WAITERS, slotOf(dead))
  return valueBlock(w, at)
}

function valueBlock(w: Words, at: number): number {
  return load(w, at + STATE) === READY ? toAddress(peek(w, at + VALUE)) : 0
}

/** This thread's hold on a name. */
export class Name extends SharedObject {
  readonly #line: Line
  /** Calls of share() that are under way, and values that keep the name; with none left it is let go. */
  #uses = 0

  constructor(adoption: Adoption) {
    super(adoption)
    this.#line = new Line(this.session, this.w, this.at + WAITERS)
  }

  /** In use until untie(). */
  use(): void {
    this.#uses++
  }

  untie(): void {
    if (--this.#uses === 0) this.close()
  }

  /** Waits until the value is there (true), or it is this thread's to create (false). */
  turn(options: WaitOptions): Promise<boolean> {
    return this.#line.until('share()', () => this.attempt(), options)
  }

  /** Tries once. */
  attempt(): boolean | typeof NONE {
    const claimed = claimName(this.session.w, this.w, this.at, this.session.me)
    return claimed === OTHERS ? NONE : claimed === THERE
  }

  /** It is this thread's to create, and this is it. May throw, and then it is still this thread's to create. */
  fulfil(value: unknown): void {
    const { session, w, at } = this
    const block = sealParcel(session, encode(value))
    fulfilName(w, at, block)
    hand(session, block) // [N6]
    wakeAll(session.w, w, at + WAITERS) // [N8]
  }

  giveUp(): void {
    giveNameUp(this.session.w, this.w, this.at, this.session.me)
  }

  /** What is shared: plain data copied, handles as those of this thread. `lone`: it is one handle and nothing else. */
  value(): { value: unknown; lone: SharedObject | undefined } {
    const block = toAddress(peek(this.w, this.at + VALUE))
    const { bytes, headLength, handles } = readParcel(this.session, block)
    const value = decode(bytes, headLength, handles)
    const [first] = parcelContents(this.session, block)
    return { value, lone: value === handles[0] ? this.session.known(first) : undefined }
  }

  protected override summary(): Record<string, unknown> {
    return { name: textOf(this.w, this.at) }
  }

  protected override leave(): void {
    this.#line.fail(this.closedError())
  }
}

/** The block becomes the name's. */
function hand(session: Session, block: number): void {
  const { allocator } = session
  const owner = allocator.owner(block)
  allocator.swapOwner(block, owner, QUEUED | (owner & PARCEL))
}

/** This thread's hold on the name of these bytes: on the one there is, or on a new one. */
export function nameOfBytes(session: Session, bytes: Uint8Array): Name {
  const there = held(session, bytes)
  if (there !== 0) return session.handle(there) as Name
  const made = make(session, bytes) // outside the latch: allocating may have to recover somebody
  const other = insert(session, made, bytes)
  if (other === 0) return new Name(made)
  session.allocator.free(made.address)
  return session.handle(other) as Name
}

function make(session: Session, bytes: Uint8Array): Adoption {
  const adoption = session.create(KIND, WORDS)
  const { w, at } = bodyAt(session, adoption.address)
  const text = new Uint8Array(256)
  text.set(bytes)
  const words = new Int32Array(text.buffer)
  for (let i = 0; i < words.length; i++) poke(w, at + TEXT + i, words[i])
  poke(w, at + LENGTH, bytes.length)
  return adoption
}

/** The address of the name, of which this participant has a hold from here on, or 0. */
function held(session: Session, bytes: Uint8Array): number {
  return underReferences(session, () => findName(session, bytes))
}

/** Puts the name into the list; gives another of the same bytes that is in it already, held, or 0. */
function insert(session: Session, { address }: Adoption, bytes: Uint8Array): number {
  return underReferences(session, () => {
    const found = findName(session, bytes)
    if (found === 0) {
      const { w, at } = bodyAt(session, address)
      poke(w, at + NEXT, peek(session.w, HEADER.firstName))
      session.allocator.setOwner(address, SHARED) // [N1]
      store(session.w, HEADER.firstName, toRef(address)) // [N2]
    }
    return found
  })
}

/** Under the latch: nobody takes the name apart before it is held. One that is being taken apart is none. */
function findName(session: Session, bytes: Uint8Array): number {
  for (const address of listed(session)) {
    if (session.allocator.owner(address) !== SHARED) continue
    const { w, at } = bodyAt(session, address)
    if (peek(w, at + LENGTH) !== bytes.length || !Buffer.from(bytes).equals(bytesOf(w, at))) continue
    holdReference(session, address)
    return address
  }
  return 0
}

/** Under the latch. */
function* listed(session: Session): Generator<number> {
  let address = toAddress(peek(session.w, HEADER.firstName))
  while (address !== 0) {
    const { w, at } = bodyAt(session, address)
    yield address
    address = toAddress(peek(w, at + NEXT))
  }
}

function bytesOf(w: Words, at: number): Uint8Array {
  const words = new Int32Array(64)
  for (let i = 0; i < words.length; i++) words[i] = peek(w, at + TEXT + i)
  return new Uint8Array(words.buffer, 0, Math.min(MAX_NAME, peek(w, at + LENGTH)))
}

const textOf = (w: Words, at: number): string => new TextDecoder().decode(bytesOf(w, at))

/** Takes the name out of the list, if it is in it. */
function unlist(session: Session, address: number): void {
  underReferences(session, () => {
    let [w, i] = [session.w, HEADER.firstName as number]
    for (const listing of listed(session)) {
      const { w: body, at } = bodyAt(session, listing)
      if (listing === address) {
        store(w, i, peek(body, at + NEXT)) // [N9]
        break
      }
      w = body
      i = at + NEXT
    }
  })
}

export const nameKind: Kind = {
  code: KIND,
  name: 'Share',
  open: adoption => new Name(adoption),
  recover(session, address, dead, blocks) {
    const { w, at } = bodyAt(session, address)
    const value = recoverName(w, at, dead)
    if (value !== 0 && blocks.delete(value)) hand(session, value) // [D2]
    return true
  },
  takeApart(session, address) {
    unlist(session, address)
    const { w, at } = bodyAt(session, address)
    const value = valueBlock(w, at)
    if (value === 0) return
    const { allocator } = session
    allocator.setOwner(value, session.me | (allocator.owner(value) & PARCEL)) // [N10] ours before the name has it no more
    store(w, at + STATE, EMPTY)
    discardParcel(session, value)
  },
  check(session, address, queued) {
    const { w, at } = bodyAt(session, address)
    const state = load(w, at + STATE)
    const value = valueBlock(w, at)
    const wrong = [
      ...(state === READY ? [] : checkHolder(session, 'its creation', state)),
      ...checkWaiters(session, w, at + WAITERS),
    ]
    const names = [...listed(session)]
    if (!names.includes(address)) wrong.push('it is in no list')
    const isName = (owner: number) => owner === SHARED || isDying(owner)
    if (!names.every(name => isName(session.allocator.owner(name))))
      wrong.push('the list leads to a block that is free')
    if (value !== 0 && !queued.delete(value) && ownerOf(session.allocator.owner(value)) !== QUEUED) {
      wrong.push('its value belongs to somebody else')
    }
    return wrong
  },
  describe(session, address) {
    const { w, at } = bodyAt(session, address)
    const state = load(w, at + STATE)
    const value = valueBlock(w, at)
    return {
      holders: state === READY || state === EMPTY ? [] : [state],
      waiters: markedIn(w, at + WAITERS),
      name: textOf(w, at),
      named: value === 0 ? [] : parcelContents(session, value),
      detail: { state: state === READY ? 'there' : state === EMPTY ? 'not there' : 'being created' },
    }
  },
}

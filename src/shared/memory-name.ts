/**
 * The name of a block of SharedMemory as an object of the session: by it the block travels, and by it the name is taken
 * away when nobody is left who would do it.
 *
 *   tracked · inode (two words) · length · name (256 bytes of UTF-8)
 *
 *   private ──[T1] publish──▶ TRACKED ──[T2] unlink() was called──────────────────────────▶ DONE
 *                                └─────[T3] last reference gone: the name is taken away──▶ DONE
 *
 * A block that was attached, or made with `track: false`, is DONE from the start: it only travels.
 *
 * Who writes the words: `tracked` who called unlink(), or who takes the object apart; the others nobody after [T1].
 * Who refers to it: the process that made the block, until it ends; whoever received the block, until it closes or loses
 * it; messages under way.
 *
 * A file is known by its inode, which it has before it has its name. So the name is never taken from another block that
 * got it meanwhile, and the object can be there before the name is.
 *
 * If a process dies
 *   before [T1]              the file has no name, and ends with the process.
 *   after [T1]               whoever recovers it drops its reference; with the last one the name goes by [T3], if the
 *                            file has it yet.
 *   in unlink(), before [T2] the name is gone; [T3] finds no file of that inode, and is content.
 *   in [T3]                  the object is half taken apart: another begins anew.
 *   as the last of all       nobody is left to take the name away: it stays in /dev/shm. When the last of all ends by
 *                            itself it does [T3] for all that is left, also for blocks in messages.
 */
import { writeSync } from 'node:fs'
import { load, peek, poke, store, type Words } from '#words'
import type { Description } from '../arena/kinds.ts'
import { SHARED } from '../arena/owner.ts'
import { participants } from '../arena/participants.ts'
import { bodyAt, kindCode } from '../arena/references.ts'
import { currentSession, type Session } from '../arena/session.ts'
import { type Adoption, SharedObject } from '../arena/shared-object.ts'
import { isNamed, LONGEST_NAME, unlinkIfSame } from '../os/shared-file.ts'

/** Of the kind that shared-memory.ts registers. */
export const KIND = 15

const TRACKED = 0
const INODE = 1
const LENGTH = 3
const NAME = 4
const WORDS = NAME + (LONGEST_NAME + 1) / 4

const CROWD = 64

/** Those that this process made and nobody is known to have unlinked: it holds on to them until it ends. */
const kept = new Set<MemoryName>()
/** When there are so many, those are looked for that somebody else has unlinked. */
let crowd = CROWD
let listening = false

export class MemoryName extends SharedObject {
  /** What the user has of it, if it is still there, and how it is made anew. */
  #face: WeakRef<object> | undefined
  readonly #attach: (name: MemoryName) => object

  constructor(adoption: Adoption, attach: (name: MemoryName) => object) {
    super(adoption)
    this.#attach = attach
  }

  /** A name that is about to be given, or was found. `tracked`: it is to be taken away with its last holder. */
  static make(name: string, inode: bigint, tracked: boolean, face: object, attach: (name: MemoryName) => object) {
    const session = currentSession()
    const made = new MemoryName(session.create(KIND, WORDS), attach)
    const { w, at } = made
    const bytes = new Uint8Array(LONGEST_NAME + 1)
    const { written } = new TextEncoder().encodeInto(name, bytes)
    poke(w, at + TRACKED, tracked ? 1 : 0)
    poke(w, at + INODE, Number(inode & 0xffff_ffffn) | 0)
    poke(w, at + INODE + 1, Number(inode >> 32n) | 0)
    poke(w, at + LENGTH, written)
    for (const [i, word] of new Int32Array(bytes.buffer).entries()) if (word !== 0) poke(w, at + NAME + i, word)
    session.publish(made) // [T1]
    made.shownAs(face)
    if (tracked) keep(made)
    return made
  }

  get name(): string {
    return nameAt(this.w, this.at)
  }

  /** The file that was meant: the name may be another's by now. */
  get inode(): bigint {
    return inodeAt(this.w, this.at)
  }

  override get face(): object {
    let face = this.#face?.deref()
    if (face === undefined) {
      face = this.#attach(this)
      this.shownAs(face)
    }
    return face
  }

  /** undefined: by nothing any more. */
  shownAs(face: object | undefined): void {
    this.#face = face && new WeakRef(face)
  }

  /** unlink() took the name away. */
  unlinked(): void {
    store(this.w, this.at + TRACKED, 0) // [T2]
    kept.delete(this)
  }

  /** Somebody else took the name away, in whatever language: there is nothing to answer for. */
  forgetIfUnlinked(): void {
    if (load(this.w, this.at + TRACKED) !== 0 && isNamed(this.name, this.inode)) return
    kept.delete(this)
    if (this.#face === undefined) super.close()
  }

  /** This process does not use the block any more; if it made it, it still answers for the name. */
  override close(): void {
    if (!kept.has(this)) super.close()
    else this.shownAs(undefined)
  }

  /** It does not even that. */
  abandon(): void {
    kept.delete(this)
    super.close()
  }

  protected override summary(): Record<string, unknown> {
    return { name: this.name }
  }
}

function keep(name: MemoryName): void {
  if (kept.size >= crowd) {
    for (const one of kept) one.forgetIfUnlinked()
    crowd = Math.max(CROWD, kept.size * 2)
  }
  kept.add(name)
  answerAtExit()
}

/** From here on this process looks at its end for names that are to be taken away. */
export function answerAtExit(): void {
  if (listening) return
  listening = true
  process.on('exit', answer)
  // Who unlinks a block in a listener of its own shall come first, also when it began to listen later.
  process.on('newListener', (event, listener) => {
    if (event !== 'exit' || listener === answer) return
    queueMicrotask(() => process.off('exit', answer).on('exit', answer))
  })
}

function answer(): void {
  const sessions = new Set([currentSession()])
  for (const name of kept) {
    sessions.add(name.session)
    name.abandon()
  }
  for (const session of sessions) answerIn(session)
}

function answerIn(session: Session): void {
  session.lookForDead()
  if (participants(session.w).some(({ slot, alive }) => alive && slot !== session.slot)) return
  // the last of all: what stands in messages, or in handles that were not collected in time, is nobody's either
  for (const { address, owner } of session.allocator.blocks()) {
    if (owner === SHARED && kindCode(session, address) === KIND) takeNameAway(session, address)
  }
}

/** Nobody refers to the object any more: its name goes too. */
export function takeNameAway(session: Session, address: number): void {
  const { w, at } = bodyAt(session, address)
  if (load(w, at + TRACKED) === 0) return
  const name = nameAt(w, at)
  if (unlinkIfSame(name, inodeAt(w, at))) warn(name)
  store(w, at + TRACKED, 0) // [T3]
}

function warn(name: string): void {
  try {
    writeSync(
      2,
      `multiproc: shared memory ${JSON.stringify(name)} was not unlinked, and is removed now that its creator has ended: ` +
        'call unlink(), or make it with { track: false } if it shall stay\n',
    )
  } catch {
    // nobody reads it
  }
}

/** What inspect() shows of it. */
export function describeName(session: Session, address: number): Description {
  const { w, at } = bodyAt(session, address)
  return { detail: { name: nameAt(w, at), tracked: load(w, at + TRACKED) === 1 } }
}

/** What is impossible about it. */
export function checkName(session: Session, address: number): string[] {
  const { w, at } = bodyAt(session, address)
  const [tracked, length] = [load(w, at + TRACKED), peek(w, at + LENGTH)]
  const wrong = tracked === 0 || tracked === 1 ? [] : [`tracked is ${tracked}`]
  if (length < 1 || length > LONGEST_NAME) wrong.push(`its name has ${length} bytes`)
  return wrong
}

function inodeAt(w: Words, at: number): bigint {
  return (BigInt(peek(w, at + INODE + 1) >>> 0) << 32n) | BigInt(peek(w, at + INODE) >>> 0)
}

function nameAt(w: Words, at: number): string {
  const words = new Int32Array(WORDS - NAME)
  for (let i = 0; i < words.length; i++) words[i] = peek(w, at + NAME + i)
  return new TextDecoder().decode(new Uint8Array(words.buffer, 0, peek(w, at + LENGTH)))
}

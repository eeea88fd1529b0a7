/**
 * The action of a barrier, for processes other than the one that made it: where its module exports it, or why that cannot
 * be said, as a text in a block of its own. Written when the barrier first travels.
 *
 *   NONE ──[X1] store the block's address──▶ told      block: bytes · the text
 *
 * If a process dies
 *   before [X1]   the block is private, and freed with its owner.
 *   before [X2]   the block is the dead's and the barrier refers to it: recovery hands it over [X3].
 *   after [X4]    the barrier is being taken apart: [X3] again, and then another goes on.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { load, peek, poke, store, type Words } from '#words'
import { toAddress, toRef } from '../arena/layout.ts'
import { ownerOf, QUEUED } from '../arena/owner.ts'
import { objectAt } from '../arena/references.ts'
import type { Session } from '../arena/session.ts'
import { InvalidTargetError } from '../contract/errors.ts'

export type Action = () => void

/** Where a function is found, by its module's URL and the name of the export. */
export interface FunctionReference {
  readonly module: string
  readonly name: string
  /** Its text, for whoever finds it to see that it is the same one. */
  readonly source?: string
}

type Told = FunctionReference | { readonly refused: string }

let refer: (action: Action) => FunctionReference = () => {
  throw new InvalidTargetError('Expected to know how functions are found, but nobody said')
}

/** What finds functions stands above this folder: src/handles.ts brings the two together. It throws InvalidTargetError. */
export function referToFunctionsBy(how: (action: Action) => FunctionReference): void {
  refer = how
}

// ── in shared memory ──

const TEXT = 4

/** Tells the other processes, unless they are told. `at`: the word that holds the block's address. */
export function tellAction(session: Session, w: Words, at: number, action: Action): void {
  if (load(w, at) !== 0) return
  const text = Buffer.from(JSON.stringify(describe(action)))
  const block = session.allocator.allocate(TEXT + text.length)
  const place = objectAt(session, block)
  poke(place.w, place.at, text.length)
  session.segment.bytesAt(block + TEXT, text.length).set(text)
  store(w, at, toRef(block)) // [X1] publishes the text
  session.allocator.setOwner(block, QUEUED) // [X2]
}

function describe(action: Action): Told {
  try {
    const { module, name, source } = refer(action)
    return { module, name, source }
  } catch (error) {
    return { refused: (error as Error).message }
  }
}

function readTold(session: Session, w: Words, at: number): Told {
  const block = toAddress(load(w, at))
  if (block === 0) return { refused: 'its handle came without a word about it' }
  const place = objectAt(session, block)
  const bytes = session.segment.bytesAt(block + TEXT, peek(place.w, place.at))
  return JSON.parse(Buffer.from(bytes).toString())
}

/** What the barrier refers to, out of what a dead participant owned. */
export function reclaimAction(session: Session, w: Words, at: number, blocks: Set<number>): void {
  const block = toAddress(load(w, at))
  if (blocks.delete(block)) session.allocator.setOwner(block, QUEUED) // [X3]
}

export function freeAction(session: Session, w: Words, at: number): void {
  const block = toAddress(load(w, at))
  if (block === 0) return
  session.allocator.setOwner(block, session.me) // [X4] ours before nobody refers to it
  store(w, at, 0)
  session.allocator.free(block)
}

export function checkAction(session: Session, w: Words, at: number, queued: Set<number>): string[] {
  const block = toAddress(load(w, at))
  if (block === 0) return []
  queued.delete(block)
  const owner = session.allocator.owner(block)
  return ownerOf(owner) === QUEUED ? [] : [`the block of its action has owner 0x${owner.toString(16)}`]
}

// ── in a process that did not make the barrier ──

/** Finds the action, without blocking the event loop while its module is loaded. @throws {InvalidTargetError} */
export async function importAction(session: Session, w: Words, at: number): Promise<Action> {
  const told = known(readTold(session, w, at))
  return pick(await import(told.module), told)
}

/** As importAction(), at once. @throws {InvalidTargetError} also when the module cannot be had but by waiting for it */
export function requireAction(session: Session, w: Words, at: number): Action {
  const told = known(readTold(session, w, at))
  let module: Record<string, unknown>
  try {
    module = createRequire(import.meta.url)(fileURLToPath(told.module))
  } catch (cause) {
    throw new InvalidTargetError(
      `Expected to load ${told.module} at once, for the barrier's action \`${told.name}\`, but it cannot be: await ` +
        'barrier.wait() instead of waitSync(), or put the action into a module without a top-level await',
      { cause },
    )
  }
  return pick(module, told)
}

function known(told: Told): FunctionReference {
  if (!('refused' in told)) return told
  throw new InvalidTargetError(
    'Expected an action that this process can find, since it was the last to arrive at a barrier that another process ' +
      `made: ${told.refused}`,
  )
}

function pick(module: Record<string, unknown>, { module: url, name, source }: FunctionReference): Action {
  // Node sees some, but not all, exports of a CommonJS module; its default is the whole of them
  const whole = module.default as Record<string, unknown> | null | undefined
  const found = name in module ? module[name] : name === 'default' ? module : whole?.[name]
  const isIt = typeof found === 'function' && (source === undefined || source === String(found))
  if (isIt) return found as Action
  throw new InvalidTargetError(
    `Expected ${url} to export the barrier's action \`${name}\` here as in the process that made it, but it ` +
      `${typeof found === 'function' ? 'is another function' : 'does not'}; export it whether or not isMainProcess is true`,
  )
}

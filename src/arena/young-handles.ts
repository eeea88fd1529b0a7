/**
 * Handles that have just come to a pool's worker, and are mostly dropped with the task they came for.
 *
 *   came ──▶ held, by a strong reference ──▶ in a WeakSet only ── a collection ──▶ gone: its reference is dropped
 *              └──▶ 100 ms after the first of them: kept                       └──▶ stayed: kept
 *
 * Kept is as any other handle: by a WeakRef and a FinalizationRegistry. What these name lives until all of the heap is collected
 * (V8 before Node.js 26), and with it a view of shared memory, which V8 counts as a reason to do that: 25 ms of CPU for every
 * 50 MiB. The keys of a WeakSet do die young. Nobody is told, but util.inspect() lists who is still there (`showHidden`), in 4 µs.
 *
 * If something throws, because the stack is full say, they stay held; but not while they are in the WeakSet only: who stayed could
 * not be told from who is gone, and would lose its memory. And inspect() lists only some, or none, when its stack is full. So a
 * list of as many is made before, some frames further down, and where that fails nothing is taken for gone. To drop the references
 * of those that are gone takes less stack than that list had.
 */
import { setTimeout } from 'node:timers'
import { inspect } from 'node:util'
import { Given } from '../contract/given.ts'
import { arrivedSince, isCollectionInVain } from '../os/garbage.ts'
import type { SharedObject } from './shared-object.ts'

/** So many are held at the most. */
const MOST = 64
/** None is held that comes when so many bytes have come since the last collection: a task may run for long. */
const MOST_BYTES = 32 * 2 ** 20
/** They are held for so long at the most, ms. */
const LONGEST = 100

const EVERYTHING = { showHidden: true, customInspect: true, maxArrayLength: Infinity, depth: null, sorted: false }

let met: (SharedObject | undefined)[] = []

/** Lives exactly as long as its handle does, and says so when it is listed. */
class Mark {
  readonly #handle: SharedObject | undefined

  constructor(handle?: SharedObject) {
    this.#handle = handle
  }

  [inspect.custom](): string {
    met.push(this.#handle)
    return ''
  }
}

class Marked extends Given {
  readonly #mark: Mark

  constructor(handle: SharedObject, mark: Mark) {
    super(handle)
    this.#mark = mark
  }

  static markOf(handle: SharedObject): Mark {
    return (handle as unknown as Marked).#mark
  }
}

function listed(marks: WeakSet<Mark>): (SharedObject | undefined)[] {
  met = []
  inspect(marks, EVERYTHING)
  const found = met
  met = []
  return found
}

/** Frames to spare. */
const DEEPER = 64

/** Whether so many keys of a WeakSet would be listed. */
function canList(many: number, deeper = DEEPER): boolean {
  if (deeper > 0) return canList(many, deeper - 1)
  const marks = Array.from({ length: many }, () => new Mark())
  const found = listed(new WeakSet(marks))
  return found.length === marks.length
}

export class YoungHandles {
  readonly #keep: (handle: SharedObject) => void
  readonly #timer: NodeJS.Timeout
  /** A new array for each batch: one that has grown old keeps what it held alive when the young are collected. */
  #held: SharedObject[] = []
  readonly #addresses = new Set<number>()

  /** `keep`: for those that are held for too long. */
  constructor(keep: (handle: SharedObject) => void) {
    this.#keep = keep
    this.#timer = setTimeout(() => this.#keepAll(), LONGEST).unref()
  }

  /** False: it is to be kept as any other. */
  add(handle: SharedObject): boolean {
    if (this.size >= MOST || arrivedSince() > MOST_BYTES || isCollectionInVain()) return false
    if (this.size === 0) this.#timer.refresh()
    new Marked(handle, new Mark(handle))
    this.#addresses.add(handle.address)
    this.#held.push(handle) // last: no stack may be left for any of these
    return true
  }

  get size(): number {
    return this.#held.length
  }

  get(address: number): SharedObject | undefined {
    return this.#addresses.has(address) ? this.#held.find(handle => handle.address === address) : undefined
  }

  delete(address: number): void {
    if (!this.#addresses.has(address)) return
    const i = this.#held.findIndex(handle => handle.address === address)
    if (i >= 0) this.#held.splice(i, 1)
    this.#addresses.delete(address)
  }

  /** Collects, by `collect`, and holds none of them any more: gives the addresses of those that are gone, and the handles that stayed. */
  collect(collect: () => void): { gone: Set<number>; stayed: SharedObject[] } {
    if (this.size === 0 || !canList(this.size)) {
      collect()
      return { gone: new Set(), stayed: [] }
    }
    const { gone, marks } = this.#watch()
    collect()
    const stayed = listed(marks) as SharedObject[]
    for (const { address } of stayed) gone.delete(address)
    return { gone, stayed }
  }

  /** In a function of its own: no handle may be left on the stack. */
  #watch(): { gone: Set<number>; marks: WeakSet<Mark> } {
    const gone = new Set<number>()
    const marks = new WeakSet<Mark>()
    for (const handle of this.#held) {
      gone.add(handle.address)
      marks.add(Marked.markOf(handle))
    }
    this.#addresses.clear()
    this.#held = []
    return { gone, marks }
  }

  #keepAll(): void {
    for (const handle of this.#held) this.#keep(handle)
    this.#addresses.clear()
    this.#held = []
  }
}

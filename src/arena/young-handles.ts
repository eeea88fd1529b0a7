/**
 * Handles that have just come to a pool's worker, and are mostly dropped with the task they came for.
 *
 *   came ──▶ held, by a strong reference ──▶ in a WeakSet only ── a collection ──▶ gone: its reference is dropped
 *              └──▶ 100 ms later: kept as any other                           └──▶ stayed: kept as any other
 *
 * What a WeakRef or a FinalizationRegistry names lives until all of the heap is collected (V8 before Node.js 26), and with it a
 * view of shared memory, which V8 counts as a reason to do that: 25 ms of CPU for every 50 MiB. The keys of a WeakSet do die
 * young. Nobody is told, but util.inspect() lists who is still there (`showHidden`), in 4 µs.
 *
 * A handle that it passed over would lose its memory: inspect() does so when its stack is full. So it is tried before, with
 * keys that are there and some frames further down; where it does not list them all, nothing is taken for gone.
 */
import { inspect } from 'node:util'
import { arrivedSince, isCollectionInVain } from '../os/garbage.ts'
import type { SharedObject } from './shared-object.ts'

/** So many are held at the most, none that come when there are so many bytes already, and for so long, ms: a task may run for long. */
const MOST = 64
const MOST_BYTES = 32 * 2 ** 20
const LONGEST = 100

const list = inspect
const EVERYTHING = { showHidden: true, customInspect: true, maxArrayLength: Infinity, depth: null }

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

/** Makes nothing: what extends it adds its private field to the handle. */
class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the whole purpose
    return object
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
  list(marks, EVERYTHING)
  const found = met
  met = []
  return found
}

/** Frames to spare. */
const DEEPER = 32

/** Whether so many keys of a WeakSet would be listed. */
function canList(many: number, deeper = DEEPER): boolean {
  if (deeper > 0) return canList(many, deeper - 1)
  const marks = Array.from({ length: many }, () => new Mark())
  const found = listed(new WeakSet(marks))
  return found.length === marks.length
}

export class YoungHandles {
  readonly #keep: (handle: SharedObject) => void
  /** A new one for each batch: an old one would keep in the old what was young when it was dropped. */
  #held: SharedObject[] = []
  #timer: NodeJS.Timeout | undefined

  /** `keep`: for those that are held for too long. */
  constructor(keep: (handle: SharedObject) => void) {
    this.#keep = keep
  }

  /** False: it is to be kept as any other. */
  add(handle: SharedObject): boolean {
    if (this.#held.length >= MOST || arrivedSince() > MOST_BYTES || isCollectionInVain()) return false
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#take().forEach(this.#keep), LONGEST).unref()
    else if (this.size === 0) this.#timer.refresh()
    this.#held.push(handle)
    new Marked(handle, new Mark(handle))
    return true
  }

  get size(): number {
    return this.#held.length
  }

  get(address: number): SharedObject | undefined {
    return this.#held.find(handle => handle.address === address)
  }

  delete(address: number): void {
    const i = this.#held.findIndex(handle => handle.address === address)
    if (i >= 0) this.#held.splice(i, 1)
  }

  /** Collects, by `collect`, and holds none of them any more: gives the addresses of those that are gone, and the handles that stayed. */
  collect(collect: () => void): { gone: Set<number>; stayed: SharedObject[] } {
    if (this.size > 0 && !canList(this.size)) return this.#leave(collect)
    const { gone, marks } = this.#watch()
    collect()
    const stayed = gone.size === 0 ? [] : (listed(marks) as SharedObject[])
    for (const { address } of stayed) gone.delete(address)
    return { gone, stayed }
  }

  #leave(collect: () => void): { gone: Set<number>; stayed: SharedObject[] } {
    collect()
    return { gone: new Set(), stayed: this.#take() }
  }

  #take(): SharedObject[] {
    const handles = this.#held
    this.#held = []
    return handles
  }

  /** In a function of its own: no handle may be left on the stack. */
  #watch(): { gone: Set<number>; marks: WeakSet<Mark> } {
    const gone = new Set<number>()
    const marks = new WeakSet<Mark>()
    for (const handle of this.#take()) {
      gone.add(handle.address)
      marks.add(Marked.markOf(handle))
    }
    return { gone, marks }
  }
}

/**
 * A queue whose items are counted until they are done, and that gives what its taker never finished to others.
 *
 *   queued ──get──▶ in hand of a caller ──task_done──▶ done
 *      ▲                 │ the caller is gone
 *      ├─────────────────┤ before newer items, in the old order
 *      │                 └──it was delivered `maxDeliveries` times──▶ dead letter, which counts as done
 */
import { type Call, type Caller, defineType } from './hosted-type.ts'
import { isTrue } from './kinds-of-value.ts'
import { valueError } from './python-errors.ts'
import { HostedQueue, type Item, patience, queueMethods } from './queue.ts'
import { integer } from './subscript.ts'

const DELIVERIES = 5

/** What one caller has in hand, by sequence: what was taken last is the last. */
interface InHand {
  readonly items: Map<number, Item>
  readonly forget: () => void
}

/** Who has nothing in hand is not listed. */
const firstOf = ({ items }: InHand): Item => items.values().next().value as Item

export class HostedJoinableQueue extends HostedQueue {
  readonly #maxDeliveries: number
  readonly #inHand = new Map<Caller, InHand>()
  #letters: Item[] = []

  constructor(maxsize: unknown, maxDeliveries: unknown) {
    super(maxsize)
    this.#maxDeliveries = maxDeliveries === undefined || maxDeliveries === null ? DELIVERIES : integer(maxDeliveries)
    if (this.#maxDeliveries < 1) throw valueError('maxDeliveries must be at least 1')
  }

  protected override taken(item: Item, caller: Caller): void {
    let mine = this.#inHand.get(caller)
    if (mine === undefined) {
      mine = { items: new Map(), forget: caller.onGone(() => this.#gone(caller)) }
      this.#inHand.set(caller, mine)
    }
    mine.items.set(item.sequence, item)
  }

  protected override untaken(item: Item, caller: Caller): boolean {
    const mine = this.#inHand.get(caller)
    if (mine === undefined || !mine.items.delete(item.sequence)) return false
    if (mine.items.size === 0) {
      mine.forget()
      this.#inHand.delete(caller)
    }
    return true
  }

  #gone(caller: Caller): void {
    const mine = this.#inHand.get(caller)
    if (mine === undefined) return
    this.#inHand.delete(caller)
    // the newest first: each is put in front of the others
    const items = [...mine.items.values()].sort((a, b) => b.sequence - a.sequence)
    const letters: Item[] = []
    // all are back before any is given to somebody: then they are given in order
    for (const item of items) {
      if (this.isDropped) this.finish()
      else if (item.deliveries < this.#maxDeliveries) this.items.insert(item, other => other.sequence > item.sequence)
      else {
        letters.push(item)
        this.finish()
      }
    }
    for (const letter of letters.reverse()) this.#letters.push(letter)
    this.serve()
  }

  /** What the caller has in hand longest; when it has nothing, the oldest of what the others have so. */
  override taskDone(caller: Caller): void {
    const holder = this.#inHand.has(caller) ? caller : this.#holderOfOldest()
    const mine = holder && this.#inHand.get(holder)
    if (mine === undefined) throw valueError('task_done() called too many times')
    this.untaken(firstOf(mine), holder as Caller)
    this.finish()
  }

  #holderOfOldest(): Caller | undefined {
    let oldest = Number.POSITIVE_INFINITY
    let holder: Caller | undefined
    for (const [caller, mine] of this.#inHand) {
      const { sequence } = firstOf(mine)
      if (sequence >= oldest) continue
      oldest = sequence
      holder = caller
    }
    return holder
  }

  /** The item, how often it was delivered, and a number by which done() knows it. */
  lease(call: Call, seconds: number): unknown {
    return this.taking(call, seconds, ({ value, deliveries, sequence }) => [value, deliveries, sequence])
  }

  /** False: it is not in the caller's hand. */
  done(caller: Caller, sequence: number): boolean {
    const item = this.#inHand.get(caller)?.items.get(sequence)
    if (item === undefined) return false
    this.untaken(item, caller)
    this.finish()
    return true
  }

  /** What was delivered too often, oldest first. */
  deadLetters(take: boolean): unknown[] {
    const letters = this.#letters.map(item => item.value)
    if (take) this.#letters = []
    return letters
  }
}

export const joinableQueueType = defineType<HostedJoinableQueue>({
  typeid: 'JoinableQueue',
  init: 'maxsize?, maxDeliveries?',
  create: ([maxsize, maxDeliveries]) => new HostedJoinableQueue(maxsize, maxDeliveries),
  methods: {
    ...queueMethods,

    // for JavaScript
    deadLetters: ['take?', (queue, a) => queue.deadLetters(isTrue(a[0]))],
    done: ['sequence, /', (queue, a, call) => queue.done(call.caller, integer(a[0]))],
    lease: ['block?, timeout?', (queue, a, call) => queue.lease(call, patience(a[0], a[1]))],
  },
})

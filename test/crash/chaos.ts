// The producers and consumers of the chaos: what each item says about itself, and how it is seen to be whole.
import { type Lock, type Queue, ShutDownError, Value } from 'multiproc'
import { pattern } from './operation.js'

/** Who made it, its number, what it carries, and a sum over all of it. */
export interface Item {
  readonly producer: number
  readonly n: number
  readonly sum: number
  readonly bytes?: Uint8Array
  readonly lock?: Lock
  readonly value?: Value<'i'>
}

/** A consumer's word about an item: whole, or what is wrong with it. */
export type Receipt = [consumer: number, producer: number, n: number, wrong: string | null]

const SIZES = [0, 0, 0, 1000, 0, 10_000, 0, 200, 0, 3000]

function sumOf(producer: number, n: number, bytes: Uint8Array | undefined): number {
  let sum = Math.imul(producer, 0x9e3779b1) ^ n
  for (const byte of bytes ?? []) sum = (Math.imul(sum, 31) + byte) | 0
  return sum
}

function make(producer: number, n: number, lock: Lock): { item: Item; value?: Value<'i'> } {
  const size = SIZES[n % SIZES.length]
  const bytes = size === 0 ? undefined : pattern(size + (n % 64), producer + n)
  const value = n % 12 === 4 ? new Value('i', n, { lock: false }) : undefined
  const carried = n % 7 === 2 ? lock : undefined
  return { item: { producer, n, sum: sumOf(producer, n, bytes), bytes, value, lock: carried }, value }
}

function wrongWith({ producer, n, sum, bytes, value, lock }: Item): string | null {
  if (sum !== sumOf(producer, n, bytes)) return 'its sum'
  if (bytes !== undefined && bytes.length !== SIZES[n % SIZES.length] + (n % 64)) return 'its length'
  if (n % 12 === 4 && value?.value !== n) return 'its value'
  if (n % 7 === 2 && lock?.closed !== false) return 'its lock'
  value?.close()
  return null
}

/** Puts items until `stop`; `progress` says how many puts have come back. */
export async function produce(
  id: number,
  queue: Queue<Item>,
  progress: Value<'i'>,
  stop: Value<'i'>,
  lock: Lock,
): Promise<void> {
  for (let n = 0; stop.value === 0; n++) {
    const { item, value } = make(id, n, lock)
    if (id % 2 === 0) queue.putSync(item)
    else await queue.put(item)
    progress.value = n + 1
    value?.close()
  }
}

/** Takes items until the queue is shut down, and gives a receipt for each; `progress` says how many it has given. */
export async function consume(
  id: number,
  queue: Queue<Item>,
  receipts: Queue<Receipt>,
  progress: Value<'i'>,
): Promise<void> {
  const receive = (item: Item) => {
    receipts.putNowait([id, item.producer, item.n, wrongWith(item)])
    progress.value++
  }
  if (id % 2 === 0) {
    for await (const item of queue) receive(item)
    return
  }
  try {
    for (;;) receive(queue.getSync())
  } catch (error) {
    if (!(error instanceof ShutDownError)) throw error
  }
}

/** What a consumer of the calm tells at the end, for each producer: how many, their sum, and the sum of their squares. */
export type Tally = { count: number; sum: number; squares: number; outOfOrder: number }[]

export async function produceCalmly(id: number, queue: Queue<number>, items: number, blocking: boolean): Promise<void> {
  for (let n = 0; n < items; n++) {
    const item = n * 8 + id
    if (blocking) queue.putSync(item)
    else await queue.put(item)
  }
}

export async function consumeCalmly(queue: Queue<number>, tallies: Queue<Tally>, blocking: boolean): Promise<void> {
  const tally: Tally = Array.from({ length: 8 }, () => ({ count: 0, sum: 0, squares: 0, outOfOrder: 0 }))
  const last = new Array(8).fill(-1)
  const receive = (item: number) => {
    const id = item & 7
    const n = item >>> 3
    const of = tally[id]
    of.count++
    of.sum += n
    of.squares = (of.squares + Math.imul(n, n)) | 0
    if (n <= last[id]) of.outOfOrder++
    last[id] = n
  }
  try {
    if (blocking) for (;;) receive(queue.getSync())
    else for (;;) receive(await queue.get())
  } catch (error) {
    if (!(error instanceof ShutDownError)) throw error
  }
  await tallies.put(tally)
}

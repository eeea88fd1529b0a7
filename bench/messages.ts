// What is sent: six kinds of item, each checked by its receiver, the same in bench/peers/messages.py. 1 KiB and up are bytes.

export interface Kind {
  /** Bytes of one item, roughly, for MB/s. */
  bytes: number
  /** Items of the first burst, and at most. */
  first: number
  most: number
  make(i: number): unknown
  /** The item's share of the checksum; throws when it is not item i as it was sent. */
  check(item: any, i: number): number
  /** The checksum of items 0 … n-1. */
  sum(n: number): number
}

const text = 'the quick brown fox jumps ove'
const tags = ['red', 'large', 'new']
const variants = 16

function wrong(item: unknown, i: number): never {
  const seen = ArrayBuffer.isView(item) ? `${item.byteLength} bytes` : JSON.stringify(item)
  throw new Error(`Expected item ${i} as it was sent, got ${seen}`)
}

/** One value over and over; its checksum counts. */
const constant = (value: unknown, bytes: number): Kind => ({
  bytes,
  first: 1000,
  most: 2_000_000,
  make: () => value,
  check: (item, i) => (item === value ? 1 : wrong(item, i)),
  sum: n => n,
})

const object: Kind = {
  bytes: 71,
  first: 1000,
  most: 2_000_000,
  make: i => ({ id: i, name: 'widget-blue', tags, price: 19.5 }),
  check: (item, i) =>
    item.id === i &&
    item.name === 'widget-blue' &&
    item.tags.length === 3 &&
    item.tags[2] === 'new' &&
    item.price === 19.5
      ? i
      : wrong(item, i),
  sum: n => (n * (n - 1)) / 2,
}

/** Bytes that differ from item to item; the receiver reads one of each page and the last. */
function bytes(size: number, first: number): Kind {
  let templates: Buffer[] = []
  const make = (i: number) => {
    if (templates.length === 0)
      templates = Array.from({ length: variants }, (_, k) => {
        const one = Buffer.alloc(size)
        for (let j = 0; j < size; j++) one[j] = j * 31 + (j >> 12) + k
        return one
      })
    return templates[i % variants]
  }
  const pages = (item: Uint8Array) => {
    let sum = item[size - 1]
    for (let j = 0; j < size; j += 4096) sum += item[j]
    return sum
  }
  return {
    bytes: size,
    first,
    most: Math.floor((256 << 20) / size),
    make,
    check: (item, i) => (item.byteLength === size && item[0] === i % variants ? pages(item) : wrong(item, i)),
    sum: n => {
      let sum = 0
      for (let k = 0; k < variants; k++) sum += pages(make(k)) * (Math.floor(n / variants) + (k < n % variants ? 1 : 0))
      return sum
    },
  }
}

export const kinds: Record<string, Kind> = {
  int: constant(42, 2),
  'string of 29': constant(text, 31),
  object,
  '1 KiB': bytes(1024, 500),
  '64 KiB': bytes(65_536, 64),
  '1 MiB': bytes(1 << 20, 8),
}

/** The kinds that issue 2 calls small. */
export const small = ['int', 'string of 29', 'object']

/** What a receiver says of a burst: when its last item came, how many came, what they add up to. */
export interface Received {
  at: number
  count: number
  sum: number
}

export function verify(kind: string, n: number, { count, sum }: Received): void {
  const wanted = kinds[kind].sum(n)
  if (count !== n || sum !== wanted)
    throw new Error(`${kind}: expected ${n} items with checksum ${wanted}, got ${count} with ${sum}`)
}

/** CLOCK_MONOTONIC in ns: the same clock in every process, and that of Python's time.monotonic_ns(). */
export function now(): number {
  const [seconds, ns] = process.hrtime()
  return seconds * 1e9 + ns
}

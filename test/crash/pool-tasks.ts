// What the workers of a swept pool run, and what comes of it. Each run is noted in a file: that is no access to shared memory.
import { appendFileSync, writeFileSync } from 'node:fs'
import { currentTask, type Pool, WorkerDiedError } from 'multiproc'
import { arm, disarm, record } from '../support/words.crash.js'

/** More than the room of a slot, and more than a record of the queue beside the board. */
const LARGE = 20_000
/** Items in the chunk of a batch. */
const CHUNK = 6

let journal = ''

/** The initializer. */
export function begin(file: string): void {
  journal = file
}

/** Before anything else that a task does, in one write. */
function note(id: number): void {
  appendFileSync(journal, `${process.pid} ${id}\n`)
}

/** The worker dies before the `k`th access from here on, or the first that such a line leads to. Who runs this again lives. */
export function armed(id: number, k: number | readonly string[]): number {
  note(id)
  if (currentTask().attempt === 1) arm(k)
  return id
}

/** The worker writes down every access from here on, and tells them in this file when it is asked to, or ends. */
export function recording(id: number, file: string): number {
  note(id)
  process.on('exit', () => recorded(file))
  record()
  return id
}

let told = false

export function recorded(file: string): void {
  if (!told) writeFileSync(file, JSON.stringify(disarm()))
  told = true
}

export function small(id: number): number {
  note(id)
  return id
}

/** Its result lies in the block of its argument, if that is not to be kept. */
export function large(id: number, bytes: Uint8Array): Uint8Array {
  note(id)
  return bytes.map(byte => byte + id)
}

/** Its result goes by the queue beside the board. */
export function text(id: number): string {
  note(id)
  return `${id} `.repeat(LARGE)
}

export async function later(id: number): Promise<number> {
  note(id)
  await new Promise(resolve => setImmediate(resolve))
  return id
}

export function fails(id: number): never {
  note(id)
  throw new RangeError(`no ${id}`)
}

/** Never ends, and its event loop does not turn. */
export function stuck(id: number): never {
  note(id)
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
}

/** The second of three. */
export function failing(id: number): number {
  note(id)
  if (id % 3 === 1) throw new RangeError(`no ${id}`)
  return id
}

/** Of a chunk: a number, an object, an error, in turn. */
export function item(id: number): unknown {
  note(id)
  if (id % 3 === 0) return id
  if (id % 3 === 1) return { id }
  throw new RangeError(`no ${id}`)
}

/** A call, or an item of one. */
export interface Call {
  readonly id: number
  /** Its result, or the message of the RangeError that it throws. */
  readonly wanted: unknown
  /** What it is to be; any other error is itself. Does not reject. */
  readonly result: Promise<unknown>
}

/** A map() says only of one item that it is lost; of the others nothing else is known. */
const unlessOf =
  (i: number, wanted: number) =>
  (error: unknown): number => {
    if (error instanceof WorkerDiedError && error.index !== i) return wanted
    throw error
  }

export const outcome = (result: Promise<unknown>): Promise<unknown> =>
  result.catch(error => (error instanceof RangeError ? error.message : error))

/** Tasks of all kinds, laid on the board at once; numbered from `first` up, in the order in which one worker runs them. */
export function batch(pool: Pool, first: number): Call[] {
  const calls: Call[] = []
  let id = first
  const call = (wanted: (id: number) => unknown, give: (id: number) => Promise<unknown>) => {
    calls.push({ id, wanted: wanted(id), result: outcome(give(id)) })
    id++
  }
  const itself = (id: number) => id
  call(itself, id => pool.apply(small, [id]))
  call(
    id => new Uint8Array(LARGE).fill(id),
    id => pool.apply(large, [id, new Uint8Array(LARGE)]),
  )
  call(
    id => `no ${id}`,
    id => pool.apply(fails, [id]),
  )
  const ids = Array.from({ length: CHUNK }, (_, i) => id + i)
  const results = pool.imap(item, ids, { chunksize: CHUNK, buffersize: CHUNK, failFast: false })
  for (const _ of ids) {
    call(
      id => [id, { id }, `no ${id}`][id % 3],
      () => results.next().then(({ value }) => value),
    )
  }
  const one = id
  const all = pool.map(small, [one, one + 1, one + 2, one + 3], { chunksize: 1, failFast: false })
  for (let i = 0; i < 4; i++) call(itself, id => all.then(results => results[i], unlessOf(i, id)))
  call(
    id => `${id} `.repeat(LARGE),
    id => pool.apply(text, [id]),
  )
  call(itself, id => pool.apply(later, [id]))
  call(itself, id => pool.apply(small, [id]))
  return calls
}

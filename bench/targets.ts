// What our own child processes run.
import {
  type Address,
  type Barrier,
  Client,
  type CodecName,
  type Connection,
  EOFError,
  type Lock,
  type Queue,
  type Value,
} from 'multiproc'
import { kinds, now, type Received } from './messages.ts'

export type Mode = 'awaited' | 'sync' | 'many'

/** Asks a consumer for n items of a kind; null: it may end. */
export type Order = { kind: string; n: number } | null

/** Items taken by one getMany(). */
const most = 256

export async function consume(
  queue: Queue<unknown>,
  orders: Queue<Order>,
  answers: Queue<Received>,
  mode: Mode,
): Promise<void> {
  for (let order = await orders.get(); order !== null; order = await orders.get()) {
    const { kind, n } = order
    const { check } = kinds[kind]
    let sum = 0
    if (mode === 'sync') for (let i = 0; i < n; i++) sum += check(queue.getSync(), i)
    else if (mode === 'awaited') for (let i = 0; i < n; i++) sum += check(await queue.get(), i)
    else {
      let i = 0
      while (i < n) for (const item of await queue.getMany(Math.min(most, n - i))) sum += check(item, i++)
    }
    const at = now()
    await answers.put({ at, count: n, sum })
  }
}

/** Sends back what comes, until -1. */
export async function echo(there: Queue<number>, back: Queue<number>, mode: Mode): Promise<void> {
  if (mode === 'sync') for (let item = there.getSync(); item !== -1; item = there.getSync()) back.putSync(item)
  else for (let item = await there.get(); item !== -1; item = await there.get()) await back.put(item)
}

/** Says when it was called. */
export function sayWhen(queue: Queue<number>): void {
  queue.putSync(now())
}

/** Sends back what comes through its end, until the other side closes. */
export async function echoThrough(end: Connection<number>, mode: Mode): Promise<void> {
  if (mode !== 'sync') {
    for await (const item of end) await end.send(item)
    return
  }
  try {
    for (;;) end.sendSync(end.recvSync())
  } catch (error) {
    if (!(error instanceof EOFError)) throw error
  }
}

/** Receives as many messages of 1 MiB as it is told, tells what came, and again, until the other side closes. */
export async function receiveBytes(end: Connection<Received, number>, how: 'recvBytes' | 'recvBytesInto' | 'awaited') {
  const { check, bytes } = kinds['1 MiB']
  const buffer = new Uint8Array(bytes)
  for await (const n of end) {
    let sum = 0
    for (let i = 0; i < n; i++) {
      if (how === 'awaited') sum += check(await end.recvBytes(), i)
      else if (how === 'recvBytes') sum += check(end.recvBytesSync(), i)
      else sum += check(buffer.subarray(0, end.recvBytesIntoSync(buffer)), i)
    }
    end.sendSync({ at: now(), count: n, sum })
  }
}

/** The two above, through a socket. */
export async function throughSocket(address: Address, codec: CodecName, what: string, how: any): Promise<void> {
  const conn = await Client<any, any>(address, { codec })
  await (what === 'echo' ? echoThrough(conn, how) : receiveBytes(conn, how))
  conn.close()
}

/** Adds one to a shared counter under a lock, as often as it is told; null: it may end. */
export async function add(
  lock: Lock,
  counter: Value<'i'>,
  mode: Mode,
  orders: Queue<number | null>,
  answers: Queue<[from: number, to: number]>,
): Promise<void> {
  for (let n = await orders.get(); n !== null; n = await orders.get()) {
    const from = now()
    for (let i = 0; i < n; i++) {
      const held = mode === 'sync' ? lock.acquireSync() : await lock.acquire()
      counter.value++
      held.release()
    }
    await answers.put([from, now()])
  }
}

/** How one is added: under the value's lock by update(), the same by hand, or atomically. */
export type Increment = 'update' | 'lock' | 'add'

/** Adds one to a shared value as often as it is told; null: it may end. */
export async function increment(
  counter: Value<'i'>,
  how: Increment,
  orders: Queue<number | null>,
  answers: Queue<[from: number, to: number]>,
): Promise<void> {
  const lock = counter.getLock()
  for (let n = await orders.get(); n !== null; n = await orders.get()) {
    const from = now()
    if (how === 'add') for (let i = 0; i < n; i++) counter.add(1)
    else if (how === 'update') for (let i = 0; i < n; i++) counter.update(before => before + 1)
    else {
      for (let i = 0; i < n; i++) {
        const held = lock.acquireSync()
        counter.value++
        held.release()
      }
    }
    await answers.put([from, now()])
  }
}

/** Meets the others as often as it is told, and looks each time whether all are there; null: it may end. */
export async function meet(
  barrier: Barrier,
  rounds: Int32Array,
  party: number,
  mode: 'awaited' | 'sync',
  orders: Queue<number | null>,
  answers: Queue<{ from: number; to: number; sum: number }>,
): Promise<void> {
  for (let n = await orders.get(); n !== null; n = await orders.get()) {
    await barrier.wait() // the counts were set to 0
    const from = now()
    let sum = 0
    for (let round = 1; round <= n; round++) {
      rounds[party] = round
      sum += mode === 'sync' ? barrier.waitSync() : await barrier.wait()
      for (let other = 0; other < rounds.length; other++) {
        const at = Atomics.load(rounds, other)
        if (at < round || at > round + 1) throw new Error(`In round ${round} party ${other} is at ${at}`)
      }
    }
    await answers.put({ from, to: now(), sum })
  }
}

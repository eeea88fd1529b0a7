// Four producers and four consumers on one queue: in peace, and with one of them killed every 50 ms.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Lock, Process, type ProcessOptions, Queue, Value } from 'multiproc'
import { until } from '../support/children.js'
import { consume, consumeCalmly, type Item, produce, produceCalmly, type Receipt, type Tally } from './chaos.js'
import { LIMIT } from './sleeper.js'
import { blocks, EXHAUSTIVE, nobodyElse, sound } from './sweep.js'

/** So many are killed on each side, and so many items have come. */
const [KILLS, RECEIPTS] = EXHAUSTIVE ? [500, 20_000] : [12, 300]
const EVERY = 50
const SIDES = 4
const ITEMS = 1_000_000

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** A producer or consumer: the puts that have come back, and whether it was killed. */
interface Participant {
  readonly id: number
  readonly process: Process
  readonly progress: Value<'i'>
  killed: boolean
}

class Chaos {
  readonly queue = new Queue<Item>({ maxsize: 100 })
  readonly receipts = new Queue<Receipt>()
  readonly stop = new Value('i', 0, { lock: false })
  readonly lock = new Lock()
  readonly producers: Participant[] = []
  readonly consumers: Participant[] = []
  readonly #all: Participant[] = []

  start(side: 'producers' | 'consumers'): void {
    const progress = new Value('i', 0, { lock: false })
    const id = this.#all.length
    const process =
      side === 'producers'
        ? new Process({ target: produce, args: [id, this.queue, progress, this.stop, this.lock], stdio: 'inherit' })
        : new Process({ target: consume, args: [id, this.queue, this.receipts, progress], stdio: 'inherit' })
    process.start()
    const participant = { id, process, progress, killed: false }
    this[side].push(participant)
    this.#all.push(participant)
  }

  /** Kills one that is at work, and starts another in its place. */
  killOne(random: () => number): void {
    const working = this.#all.filter(({ killed, progress }) => !killed && progress.value > 0)
    if (working.length === 0) return
    const one = working[Math.floor(random() * working.length)]
    one.killed = true
    one.process.kill()
    this.start(this.producers.includes(one) ? 'producers' : 'consumers')
  }

  killAll(): void {
    for (const { process } of this.#all) process.kill()
  }

  async join(side: 'producers' | 'consumers'): Promise<void> {
    for (const { process, killed, id } of this[side]) {
      await process.join({ timeout: LIMIT })
      assert.equal(process.exitCode, killed ? -9 : 0, `${side} ${id}`)
    }
  }

  close(): void {
    for (const { progress } of this.#all) progress.close()
    for (const object of [this.queue, this.receipts, this.stop, this.lock]) object.close()
  }
}

/** What all receipts together say: nothing twice, nothing torn, nothing out of order, and how much of what was put is missing. */
function audit(receipts: Receipt[], chaos: Chaos): { received: number; lost: number } {
  const seen = new Map<number, Set<number>>()
  const last = new Map<string, number>()
  for (const [consumer, producer, n, wrong] of receipts) {
    const item = `item ${n} of producer ${producer} at consumer ${consumer}`
    assert.equal(wrong, null, `${item} is torn`)
    const numbers = seen.get(producer) ?? new Set()
    seen.set(producer, numbers)
    assert.ok(!numbers.has(n), `${item} came twice`)
    numbers.add(n)
    const way = `${producer} ${consumer}`
    assert.ok(n > (last.get(way) ?? -1), `${item} came after ${last.get(way)}`)
    last.set(way, n)
  }
  for (const { id, progress, killed } of chaos.consumers) {
    const given = receipts.filter(([consumer]) => consumer === id).length
    assert.ok(
      given === progress.value || (killed && given === progress.value + 1),
      `${given} receipts came of consumer ${id}, which gave ${progress.value}`,
    )
  }
  let lost = 0
  for (const { id, progress, killed } of chaos.producers) {
    const numbers = seen.get(id) ?? new Set()
    for (let n = 0; n < progress.value; n++) if (!numbers.has(n)) lost++
    // one killed after its last put came about and before it could say so
    const most = progress.value + (killed ? 1 : 0)
    for (const n of numbers) assert.ok(n < most, `item ${n} of producer ${id}, which put ${progress.value}`)
  }
  return { received: receipts.length, lost }
}

async function chaosOf(deaths: number, t: TestContext): Promise<void> {
  const seed = Number(process.env.MULTIPROC_SEED ?? Math.floor(Math.random() * 2 ** 32))
  t.diagnostic(`seed ${seed}: repeat with MULTIPROC_SEED=${seed}`)
  const random = randomFrom(seed)
  const chaos = new Chaos()
  t.after(() => chaos.killAll())
  for (let i = 0; i < SIDES; i++) {
    chaos.start('producers')
    chaos.start('consumers')
  }
  const receipts: Receipt[] = []
  let over = false
  const collected = (async () => {
    while (!over || !chaos.receipts.empty()) {
      receipts.push(...(await chaos.receipts.getMany(1000, { timeout: 100 }).catch(() => [])))
    }
  })()
  const killer = setInterval(() => chaos.killOne(random), EVERY)
  t.after(() => clearInterval(killer))
  const killed = (side: Participant[]) => side.filter(({ killed }) => killed).length
  const enough = () =>
    Math.min(killed(chaos.producers), killed(chaos.consumers)) >= deaths && receipts.length >= RECEIPTS
  await until(enough, 240_000, 'enough of them to be killed')
  clearInterval(killer)
  chaos.stop.value = 1
  await chaos.join('producers')
  chaos.queue.shutdown()
  await chaos.join('consumers')
  over = true
  await collected

  const { received, lost } = audit(receipts, chaos)
  t.diagnostic(
    `${received} items, ${lost} lost with ${killed(chaos.consumers)} consumers, ${killed(chaos.producers)} producers killed`,
  )
  assert.ok(lost <= killed(chaos.consumers), `${lost} items lost`)
  assert.equal(chaos.queue.qsize(), 0)
  await until(() => nobodyElse([]), LIMIT, 'everybody to be gone')
  await sound('after the chaos')
  chaos.close()
}

/** Nothing is kept but what was there before, once all of the dead is given back. */
async function back(before: number): Promise<void> {
  let left = before
  const same = async () => {
    left = await blocks(1)
    return left === before
  }
  await until(same, LIMIT, () => `${left} blocks to become ${before}`)
}

test(`Queue: 4 producers, 4 consumers, one of them killed every ${EVERY} ms: what was put is received once, or was in a killed consumer's hands`, async t => {
  const before = await blocks()
  await chaosOf(KILLS, t)
  await sound('after the chaos')
  await back(before)
})

test('Queue: 4 producers, 4 consumers, 10⁶ items: every one received once, in the order of its producer', async t => {
  const before = await blocks()
  const queue = new Queue<number>()
  const tallies = new Queue<Tally>()
  const processes: Process[] = []
  t.after(() => {
    for (const process of processes) process.kill()
  })
  const start = (options: ProcessOptions<any>) => {
    const process = new Process(options)
    process.start()
    processes.push(process)
    return process
  }
  const began = performance.now()
  const producers = Array.from({ length: SIDES }, (_, id) =>
    start({ target: produceCalmly, args: [id, queue, ITEMS / SIDES, id % 2 === 0] }),
  )
  for (let id = 0; id < SIDES; id++) start({ target: consumeCalmly, args: [queue, tallies, id % 2 === 0] })
  for (const producer of producers) await producer.join({ timeout: 120_000 })
  queue.shutdown()
  for (const process of processes) await process.join({ timeout: 120_000 })
  t.diagnostic(`${Math.round(performance.now() - began)} ms from the first start to the last end`)
  assert.deepEqual(
    processes.map(({ exitCode }) => exitCode),
    processes.map(() => 0),
  )

  const all = await tallies.getMany(SIDES, { timeout: LIMIT })
  assert.equal(all.length, SIDES)
  let squares = 0
  for (let n = 0; n < ITEMS / SIDES; n++) squares = (squares + Math.imul(n, n)) | 0
  for (let id = 0; id < SIDES; id++) {
    const total = { count: 0, sum: 0, squares: 0, outOfOrder: 0 }
    for (const tally of all) {
      total.count += tally[id].count
      total.sum += tally[id].sum
      total.squares = (total.squares + tally[id].squares) | 0
      total.outOfOrder += tally[id].outOfOrder
    }
    const count = ITEMS / SIDES
    assert.deepEqual(total, { count, sum: (count * (count - 1)) / 2, squares, outOfOrder: 0 })
  }
  queue.close()
  tallies.close()
  await sound('after the calm')
  await back(before)
})

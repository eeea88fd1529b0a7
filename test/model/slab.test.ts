// Slabs, through the allocator, in a memory of two units: one participant takes blocks from a slab, anybody frees them,
// and a slab whose keeper died finds another.

import { test } from 'node:test'
import { Allocator, type Memory } from '#src/arena/allocator.js'
import { firstUnitOf, HEADER, UNIT, unitLength, unitOwner } from '#src/arena/layout.js'
import { ownerOf, SLAB } from '#src/arena/owner.js'
import { initialiseRuns } from '#src/arena/runs.js'
import { adopt, countOf, keeperOf, LARGEST, offsetOf, ownerAt, take } from '#src/arena/slab.js'
import { isGone } from '#src/arena/token.js'
import { compareExchange, load, pause, peek, poke, store, type Words } from '#words'
import { fail, restart, type Scenario } from '../support/explore.ts'
import { breaks, bury, holds, namesOf, nextDead, seat, token } from './crew.ts'

const FIRST = firstUnitOf(4)
const UNITS = FIRST + 2
/** Where one leaves a block for another: words beyond the units. */
const MAILBOX = (UNITS * UNIT) / 4

/** Of this size a slab has three blocks. */
const BYTES = LARGEST

const memoryOf = (words: Words): Memory => ({
  words,
  wordsAt: () => words,
  indexOf: address => address / 4,
  populate() {},
  discard() {},
  clear() {},
})
const allocatorOf = (w: Words, slot: number): Allocator => new Allocator(memoryOf(w), token(slot))

const base: Pick<Scenario, 'size' | 'touched' | 'init' | 'onDeath' | 'names'> = {
  size: MAILBOX + 8,
  touched: 100,
  init(w) {
    seat(w, [0, 1, 2])
    w[HEADER.units] = UNITS
    w[HEADER.limitUnits] = 2
    w[HEADER.firstUnit] = FIRST
    initialiseRuns(w)
  },
  onDeath: (w, p) => bury(w, p),
  names: {
    ...namesOf([0, 1, 2]),
    [MAILBOX]: 'mailbox',
    ...Object.fromEntries(
      [0, 1].flatMap(u => [
        [unitOwner(FIRST + u), `owner${u}`],
        [unitLength(FIRST + u), `length${u}`],
        ...['size', 'count', 'keeper', 'data', 'block0', 'block1', 'block2'].map((name, i) => [
          ((FIRST + u) * UNIT) / 4 + i,
          `slab${u}.${name}`,
        ]),
      ]),
    ),
  },
}

/** Frees what the dead owned, as recovery does it. */
const reaper = (w: Words, me: number, known = 0) => {
  const dead = nextDead(w, known)
  const allocator = allocatorOf(w, me)
  const owned = allocator.blocks().filter(({ owner }) => ownerOf(owner) === token(dead))
  for (const { address } of owned) if (allocator.swapOwner(address, token(dead), token(me))) allocator.free(address)
  restart(known | (1 << dead))
}

/** At the end nothing belongs to the dead. */
function leftBehind(w: Words, dead: number[]): string | undefined {
  if (w[HEADER.allocatorLatch] !== 0) return 'the latch is held for ever'
  const left = allocatorOf(w, 2)
    .blocks()
    .find(({ owner }) => dead.some(p => ownerOf(owner) === token(p)))
  return left && `block ${left.address} belongs to a dead one for ever`
}

const slabs = (w: Words): number => [0, 1].filter(u => w[unitOwner(FIRST + u)] === SLAB).length

/** The keeper takes blocks, and another one frees those that it is given. */
function exchange(deaths: number, rounds: number): Scenario {
  const keeper = (w: Words) => {
    const allocator = allocatorOf(w, 0)
    for (let n = 0; n < rounds; n++) {
      const block = allocator.allocate(BYTES)
      poke(w, block / 4, n + 1)
      while (compareExchange(w, MAILBOX, 0, block) !== 0) pause(0)
    }
  }
  const other = (w: Words, me: number, n = 0) => {
    const block = load(w, MAILBOX)
    if (block === 0) {
      pause(0)
      restart(n)
    }
    const allocator = allocatorOf(w, me)
    if (!allocator.swapOwner(block, token(0), token(me))) {
      if (deaths === 0) fail('the block was not its sender’s')
      return // its sender is dead and recovered
    }
    store(w, MAILBOX, 0)
    if (peek(w, block / 4) !== n + 1) fail('the block was overwritten')
    allocator.free(block)
    if (n + 1 < rounds) restart(n + 1)
  }
  return {
    ...base,
    bodies: [keeper, other, ...Array(deaths).fill(reaper)],
    deaths,
    killable: [0, 1],
    mayWait: [0, 1, 2],
    final: (w, { dead }) => leftBehind(w, dead) ?? (slabs(w) > 1 ? 'a second slab for three blocks' : undefined),
  }
}

/** The keeper dies while it makes its slab, or after; one is left who needs blocks of the same size. */
const keeperDies: Scenario = {
  ...base,
  bodies: [w => void allocatorOf(w, 0).allocate(BYTES), heir],
  deaths: 1,
  killable: [0],
  mayWait: [1],
  final: (w, { dead }) => (dead.includes(0) && slabs(w) > 1 ? 'the slab of the dead was left alone' : undefined),
}

/** Two heirs of a slab whose keeper died long ago, one of them may die too: there is no room for two slabs more. */
const twoHeirs = (deaths: number, by = heir): Scenario => ({
  ...base,
  bodies: [() => {}, by, by],
  deaths,
  killable: [1],
  init(w) {
    base.init?.(w, new Int32Array())
    const kept = allocatorOf(w, 0)
    kept.free(kept.allocate(BYTES))
    bury(w, 0)
  },
})

/** Waits for a death, and takes a block then. */
function heir(w: Words, me: number, block = 0): void {
  if (block === 0) {
    nextDead(w)
    restart(allocatorOf(w, me).allocate(BYTES))
  }
  poke(w, block / 4, me)
  if (peek(w, block / 4) !== me) fail('the block belongs to two')
  allocatorOf(w, me).free(block)
}

/** One gives back an empty slab and uses its unit for a large block, while another looks at all blocks. */
const trimmed = (look: (w: Words) => { owner: number }[]): Scenario => ({
  ...base,
  allowRaces: true,
  bodies: [
    w => {
      const allocator = allocatorOf(w, 0)
      const blocks = [1, 2, 3, 4].map(() => allocator.allocate(BYTES))
      for (const block of blocks) allocator.free(block)
      allocator.trim()
      const large = allocator.allocate(UNIT)
      const data = [BYTES, 9, 0, 64, token(2), token(2), token(2)] // looks like a slab, in which a dead one owns blocks
      data.forEach((word, i) => {
        poke(w, large / 4 + i, word)
      })
    },
    w => {
      for (const { owner } of look(w))
        if (ownerOf(owner) === token(2)) fail('what a user wrote was taken for a block of the dead')
    },
  ],
})

const report = (title: string, scenario: Scenario) =>
  test(title, t => {
    const { states, ends } = holds(scenario)
    t.diagnostic(`${states} states, ${ends} ends`)
  })

report('take() and free(): what is freed is taken again, with what its last owner wrote behind it', exchange(0, 3))
report('killed with a block at any step: recovery frees it', exchange(1, 1))
report('killed with one of two blocks', exchange(1, 2))
report('the keeper killed while it makes its slab, or after: another adopts the slab', keeperDies)
report('two need the slab of a dead keeper: one adopts it, the other makes a new one', twoHeirs(0))
report('two need the slab of a dead keeper, and one of them is killed', twoHeirs(1))
report(
  'blocks() takes nothing for a slab that was one a moment ago',
  trimmed(w => allocatorOf(w, 1).blocks()),
)

test('control: a look at the slabs without the latch takes what a user wrote for a block of the dead', () => {
  const glance = (w: Words) =>
    [0, 1]
      .filter(u => load(w, unitOwner(FIRST + u)) === SLAB)
      .flatMap(u => {
        const slab = ((FIRST + u) * UNIT) / 4
        return Array.from({ length: countOf(w, slab) }, (_, i) => ({ owner: load(w, ownerAt(slab, i)) }))
      })
  breaks(trimmed(glance), /taken for a block of the dead/)
})

test('control: two who adopt a slab without the latch take the same block', () => {
  const slab = (FIRST * UNIT) / 4
  const careless = (w: Words, me: number) => {
    nextDead(w)
    if (!isGone(w, keeperOf(w, slab))) return
    adopt(w, slab, token(me))
    const block = slab + offsetOf(w, slab, take(w, slab, 0, token(me))) / 4
    poke(w, block, me)
    if (peek(w, block) !== me) fail('the block belongs to two')
  }
  breaks({ ...twoHeirs(0, careless), allowRaces: true }, /belongs to two/)
})

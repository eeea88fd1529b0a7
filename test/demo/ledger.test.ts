import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ledger } from '../../demo/ledger.js'
import type { Unit } from '../../demo/worker.js'

test('Ledger counts every unit exactly once, whichever workers die at whichever steps', () => {
  for (let seed = 1; seed <= 2000; seed++) simulate(seed)
})

test('Ledger drops a second answer to a unit', () => {
  const ledger = new Ledger()
  const unit = ledger.enter(['a'])
  assert.equal(ledger.answer(unit.id), true)
  assert.equal(ledger.answer(unit.id), false)
})

test('Ledger feeds nothing again while nobody dies', () => {
  const ledger = new Ledger()
  ledger.enter(['a'])
  assert.equal(ledger.urgent(), undefined)
  assert.equal(ledger.settled, false)
})

test('Ledger keeps a unit for the main process that no worker survives', () => {
  const ledger = new Ledger()
  const unit = ledger.enter(['poison'])
  for (let deaths = 1; ; deaths++) {
    assert.ok(deaths < 10)
    ledger.death()
    const marker = ledger.urgent()
    assert.deepEqual(marker?.unit.paths, [])
    ledger.answer(marker!.unit.id)
    const again = ledger.urgent()
    assert.equal(again?.unit, unit)
    if (again?.act === 'keep') break
  }
  assert.equal(ledger.answer(unit.id), true)
  assert.equal(ledger.settled, true)
})

/**
 * A feeder, a first-in-first-out queue, workers, and a queue of answers, one step of somebody at a time. A worker may die
 * before or after any of its steps; the feeder learns of it some steps later, as the main process does.
 */
function simulate(seed: number): void {
  let state = seed
  const random = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >>> 8) % n
  }
  const ledger = new Ledger()
  const toFeed = Array.from({ length: 12 }, (_, i) => [`file ${i}`])
  const queue: Unit[] = []
  const answers: Unit[] = []
  const hands: (Unit | undefined)[] = [undefined, undefined, undefined]
  const counted: string[] = []
  let unnoticed = 0
  let mayDie = 15

  const answered = (unit: Unit) => {
    if (ledger.answer(unit.id)) counted.push(...unit.paths)
  }
  const feed = () => {
    const urgent = ledger.urgent()
    if (urgent?.act === 'keep') answered(urgent.unit)
    else if (urgent) queue.push(urgent.unit)
    else if (queue.length < 4 && toFeed.length > 0) queue.push(ledger.enter(toFeed.shift()!))
  }
  const work = (worker: number) => {
    if (mayDie > 0 && random(6) === 0) {
      mayDie--
      unnoticed++
      hands[worker] = undefined
    } else if (hands[worker]) {
      answers.push(hands[worker])
      hands[worker] = undefined
    } else {
      hands[worker] = queue.shift()
    }
  }

  for (let steps = 0; toFeed.length > 0 || !ledger.settled; steps++) {
    assert.ok(steps < 10_000, `seed ${seed}: never settles`)
    const who = random(6)
    if (who < 3) work(who)
    else if (who === 3) feed()
    else if (who === 4 && answers.length > 0) answered(answers.shift()!)
    else if (who === 5 && unnoticed > 0) {
      unnoticed--
      ledger.death()
    }
  }
  assert.deepEqual(counted.sort(), Array.from({ length: 12 }, (_, i) => `file ${i}`).sort(), `seed ${seed}`)
}

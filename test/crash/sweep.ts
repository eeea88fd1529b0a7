// The sweep: one child for each access of an operation, which dies before it; and after each death a look at everything.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import path from 'node:path'
import { after, type TestContext } from 'node:test'
import { type ProcessOptions, Queue, Value } from 'multiproc'
import { check } from '#src/arena/check.js'
import { UNIT } from '#src/arena/layout.js'
import { participants } from '#src/arena/participants.js'
import { currentSession } from '#src/arena/session.js'
import { collectGarbage } from '#src/os/garbage.js'
import { readSources } from '../../tools/source-text.js'
import { checkout, until } from '../support/children.js'
import { type Actor, CopiedActor, endMothers, FreshActor } from './actor.js'
import { legacies } from './groups.js'
import type { Operation } from './operation.js'
import { LIMIT, Sleeper } from './sleeper.js'
import { ACTED, GO, joiner, READY, type Recording, type Role } from './victim.js'

/** Every write and what follows it, also where one stands for many. */
export const EXHAUSTIVE = process.env.MULTIPROC_STRESS === '1'

/** Children that boot while another one dies: booting is what takes the time. */
const LANES = 3
/** ms for the living to recover the dead: a moment, but for a machine that is busy with other things. */
const RECOVERY = 60_000
/** Writes one after the other from the same line: so many at each end. */
const LOOP = 3

/** Every numbered step (`log.ts [P1]`) before and after which somebody has died. */
export const died = new Set<string>()
/** The names of all that was swept. */
export const swept = new Set<string>()

/** Here reads stand before something that is done without an access, such as writing into a doorbell's pipe. */
const BESIDE_WORDS = /^src\/(arena\/doorbell|process)/

/**
 * The accesses before which to die, counted from 1; the last one is "after the end". Shared memory changes only with a
 * write, so a death before a read leaves what a death before the next write does. Of a loop of writes the first and the
 * last few stand for all.
 */
export function pointsOf({ accesses, places }: Recording): number[] {
  const points: number[] = []
  let run = 0
  for (const [i, { kind, writes, place }] of accesses.entries()) {
    const before = accesses[i - 1]
    run = before?.kind === kind && before.place === place ? run + 1 : 0
    const ahead = accesses.slice(i + 1, i + LOOP)
    const inLoop = run >= LOOP && ahead.length === LOOP - 1 && ahead.every(next => next.place === place)
    const wanted = writes ? !inLoop : before?.writes && BESIDE_WORDS.test(places[place][0])
    if (wanted || (EXHAUSTIVE && (writes || before?.writes))) points.push(i + 1)
  }
  return [...points, NEVER]
}

/** The child dies right after the operation: however many accesses it has this time. */
const NEVER = 0

const sources = new Map<string, string[]>()

/** The numbered steps at these lines of src/. */
export function stepsAt(lines: readonly string[]): string[] {
  return lines.flatMap(place => {
    const [file, line] = place.split(':')
    if (!file.startsWith('src/')) return []
    if (!sources.has(file))
      sources.set(file, readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8').split('\n'))
    const text = sources.get(file)?.[Number(line) - 1] ?? ''
    return [...text.matchAll(/\[[A-Z]\d+\]/g)].map(([tag]) => `${file.split('/').pop()} ${tag}`)
  })
}

/** All numbered steps that stand at a line of the code in src/. */
export function numberedSteps(): Set<string> {
  const steps = new Set<string>()
  for (const [file, text] of readSources(checkout, 'src')) {
    for (const line of text.split('\n')) {
      if (/^\s*(\*|\/\*)/.test(line)) continue
      for (const [tag] of line.matchAll(/\[[A-Z]\d+\]/g)) steps.add(`${path.basename(file)} ${tag}`)
    }
  }
  return steps
}

/** The lines of build/src/ at which the step stands (`log.ts [P4]`). */
export function linesOf(step: string): string[] {
  const [file, tag] = step.split(' ')
  const lines: string[] = []
  for (const name of readdirSync(path.join(checkout, 'build/src'), { recursive: true, encoding: 'utf8' })) {
    if (path.basename(name) !== file.replace(/ts$/, 'js')) continue
    const text = readFileSync(path.join(checkout, 'build/src', name), 'utf8')
    text.split('\n').forEach((line, i) => {
      if (line.includes(`// ${tag}`)) lines.push(`src/${name}:${i + 1}`)
    })
  }
  assert.equal(lines.length > 0, true, `expected ${step} to stand in build/src/`)
  return lines
}

/** An operation as the sweep sees it. */
export interface Plan {
  readonly name: string
  readonly operation: Operation
  /** Starts the child that dies before access `k`; with `recordings` the one that tells what it does. */
  start(k: number, stage: Value<'i'>, given: unknown, recordings?: Queue<Recording>): Actor
  /** It dies on its way to its target, and does not wait for a word. */
  readonly booting?: boolean
}

/** The operation itself. */
export function planOf(name: string, operation: Operation): Plan {
  return rolePlan(name, { name }, operation)
}

/** The recovery of somebody who died before the legacy's step, by one who dies of it. */
export function heirPlan(name: string): Plan {
  const legacy = legacies[name]
  return rolePlan(`coming upon ${name}`, { name, heirAt: linesOf(legacy.step) }, legacy)
}

function rolePlan(name: string, role: Role, operation: Operation): Plan {
  return {
    name,
    operation,
    start: (k, stage, given, recordings) =>
      new CopiedActor(
        recordings
          ? { part: 'recorder', args: [role, stage, given, recordings] }
          : { part: 'victim', args: [role, k, stage, given] },
        role.heirAt !== undefined || operation.understudy === true,
      ),
  }
}

/** A child's way from its first access to its target. */
export const joinPlan: Plan = {
  name: 'joining the session',
  booting: true,
  operation: { traceless: true, prepare: () => ({}), act: () => {}, verify: () => 'before' },
  start: (k, stage, _given, recordings) =>
    new FreshActor({
      target: joiner,
      args: recordings ? [stage, recordings] : [stage],
      execArgv: ['--conditions=crash'],
      env: { ...process.env, MULTIPROC_CRASH_AT: recordings ? 'record' : String(k) },
    } as ProcessOptions<any>),
}

/** A child under way. */
class Flight {
  readonly plan: Plan
  readonly k: number
  readonly given: any
  readonly stage = new Value('i', 0, { lock: false })
  readonly child: Actor

  constructor(t: TestContext, plan: Plan, k: number, recordings?: Queue<Recording>) {
    this.plan = plan
    this.k = k
    this.given = plan.operation.prepare()
    this.child = plan.start(k, this.stage, this.given, recordings)
    t.after(async () => {
      this.child.kill()
      await until(() => this.child.exitCode !== undefined, LIMIT, 'a child to end')
    })
  }

  get what(): string {
    const when = this.k === NEVER ? 'killed after the last access' : `killed before access ${this.k}`
    return `${this.plan.name}, ${when} ${this.child.stderr}`
  }

  /** Lets it go on to its end, waits until it is recovered, and looks at what it left. */
  async land(sleepers: readonly Sleeper[]): Promise<string> {
    const { child, stage, given, plan } = this
    const over = () => child.exitCode !== undefined
    if (!plan.booting) {
      await until(
        () => stage.value >= READY || over(),
        LIMIT,
        () => this.what,
      )
      assert.ok(!over(), `the child ended early, with ${child.exitCode}: ${this.what}`)
    }
    const asleep = plan.operation.asleep?.(given) ?? []
    for (const [n, sleeping] of asleep.entries()) await sleepers[n].sleepOn(sleeping)
    if (!plan.booting) stage.value = GO
    await until(over, LIMIT, () => this.what)
    assert.equal(child.exitCode, -9, this.what)
    const { pid } = child
    await until(
      () => isForgotten(pid),
      RECOVERY,
      () => `the recovery of ${this.what}`,
    )
    await sound(this.what)
    const acted = stage.value === ACTED
    try {
      const outcome = await plan.operation.verify(given, which => sleepers[which].answer())
      return acted ? `${outcome}, acted` : outcome
    } catch (error) {
      throw new Error(`${this.what}: ${(error as Error).message}`, { cause: error })
    } finally {
      closeAll(given)
      stage.close()
    }
  }
}

const isForgotten = (pid: number | undefined): boolean => participants(currentSession().w).every(p => p.pid !== pid)

export const nobodyElse = (pids: readonly (number | undefined)[]): boolean =>
  participants(currentSession().w).every(({ pid }) => pid === process.pid || pids.includes(pid))

/** Nobody is here but these. Looks for the dead: where nobody sleeps nobody else does. */
async function leftAlone(sleepers: readonly Sleeper[]): Promise<void> {
  const pids = sleepers.map(({ process }) => process.pid)
  const alone = () => {
    currentSession().lookForDead()
    return nobodyElse(pids)
  }
  await until(alone, RECOVERY, 'everybody to be gone')
}

/** How many blocks there are when nothing is kept by handles that nobody refers to any more. */
export async function blocks(rounds = 3): Promise<number> {
  for (let round = 0; round < rounds; round++) {
    collectGarbage()
    await new Promise(resolve => setImmediate(resolve)) // finalizers have their own turn
  }
  return [...currentSession().allocator.blocks()].length
}

/** Everything is possible, at the latest in a moment. Looks for the dead as everybody does who waits. */
export async function sound(what: string): Promise<void> {
  let wrong: string[] = []
  const look = () => {
    currentSession().lookForDead()
    wrong = check(currentSession())
    return wrong.length === 0
  }
  await until(look, RECOVERY, () => `check() to be empty, ${what}: ${wrong.join('; ')}`)
}

/** Sees the operation done, and writes down how. */
async function record(t: TestContext, plan: Plan, sleepers: readonly Sleeper[] = []): Promise<Recording> {
  const recordings = new Queue<Recording>()
  await new Flight(t, plan, NEVER, recordings).land(sleepers)
  const recording = inSource(recordings.getNowait())
  recordings.close()
  for (const lines of recording.places) for (const step of stepsAt(lines)) died.add(step)
  return recording
}

const maps = new Map<string, SourceMap>()

/** The same with the lines of src/ in the place of those of build/src/: `src/arena/latch.ts:100`. */
function inSource({ places, accesses }: Recording): Recording {
  const numbers = new Map<string, number>()
  const found = places.map(lines => {
    const key = lines.filter(Boolean).map(sourceLine).join(' ')
    if (!numbers.has(key)) numbers.set(key, numbers.size)
    return numbers.get(key) as number
  })
  return {
    places: [...numbers.keys()].map(key => key.split(' ')),
    accesses: accesses.map(access => ({ ...access, place: found[access.place] })),
  }
}

function sourceLine(place: string): string {
  const [file, line, column] = place.split(':')
  let map = maps.get(file)
  if (map === undefined) {
    map = new SourceMap(JSON.parse(readFileSync(path.join(checkout, 'build', `${file}.map`), 'utf8')))
    maps.set(file, map)
  }
  const entry = map.findEntry(Number(line) - 1, Number(column) - 1)
  assert.ok('originalLine' in entry, `a line of src/ for ${place}`)
  return `${file.replace(/js$/, 'ts')}:${entry.originalLine + 1}`
}

const sleeping: Sleeper[] = []

/** So many, and no more, since those who sleep look for the dead, too. They stay from one operation to the next. */
async function sleepersFor(count: number): Promise<Sleeper[]> {
  while (sleeping.length < count) sleeping.push(new Sleeper())
  for (const one of sleeping.splice(count)) await one.end()
  return [...sleeping]
}

after(async () => {
  endMothers()
  await sleepersFor(0)
})

/** Kills the operation at each of its points. */
export async function sweep(t: TestContext, plan: Plan): Promise<void> {
  try {
    await sweepAll(t, plan)
  } catch (error) {
    await sleepersFor(0) // they may still wait
    throw error
  }
}

async function sweepAll(t: TestContext, plan: Plan): Promise<void> {
  const { name, operation } = plan
  const probe = operation.prepare()
  const sleepers = await sleepersFor((operation.asleep?.(probe) ?? []).length)
  closeAll(probe)
  const recording = await record(t, plan, sleepers)
  const points = pointsOf(recording)
  await leftAlone(sleepers) // a child of the one who was recorded may have joined, and hold what it was given
  await sound(name)
  const before = await blocks()
  const { used } = currentSession().allocator.usage()

  const waiting = [...points]
  const launch = (): Flight[] => waiting.splice(0, 1).map(k => new Flight(t, plan, k))
  const flights = Array.from({ length: LANES }, launch).flat()
  const outcomes: string[] = []
  for (let flight = flights.shift(); flight !== undefined; flight = flights.shift()) {
    outcomes.push(await flight.land(sleepers))
    await sound(`${flight.what} of ${recording.accesses.length}`)
    flights.push(...launch())
  }
  swept.add(name)
  t.diagnostic(`${points.length} deaths in ${recording.accesses.length} accesses`)

  const last = outcomes[outcomes.length - 1]
  assert.match(
    last,
    operation.traceless ? /, acted$/ : /^after, acted$/,
    'the operation that nobody interrupts is done',
  )
  for (const outcome of outcomes) if (outcome.endsWith('acted')) assert.equal(outcome, last)
  if (!operation.traceless) assert.equal(outcomes[0], 'before', 'the operation that was hardly begun is not done')
  await leftAlone(sleepers)
  await sound(name)
  let left = before
  // sleepers may not have collected yet what they were given
  const whole = async () => {
    left = await blocks(1)
    return left === before
  }
  await until(whole, RECOVERY, () => `the ${left - before} blocks of memory that are left behind to be given back`)
  // slabs of the dead wait for somebody who needs one of their size; several lanes at once make a few more of them
  assert.ok(currentSession().allocator.usage().used <= used + (LANES + 1) * 4 * UNIT, 'memory does not grow')
}

/** The parent is done with what it had prepared. What cannot be closed, such as an array, is to be collected. */
export function closeAll(given: Record<string, unknown>): void {
  for (const [name, object] of Object.entries(given)) {
    if (typeof (object as { close?: unknown })?.close === 'function') (object as { close(): void }).close()
    delete given[name]
  }
}

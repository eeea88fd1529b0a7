// The sweep: one child for each access of an operation, which dies before it; and after each death a look at everything.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Process, type ProcessOptions, Queue, Value } from 'multiproc'
import { check } from '#src/arena/check.js'
import { UNIT } from '#src/arena/layout.js'
import { participants } from '#src/arena/participants.js'
import { currentSession } from '#src/arena/session.js'
import { readSources } from '../../tools/source-text.js'
import { checkout, until } from '../support/children.js'
import { legacies } from './legacies.js'
import type { Operation } from './operations.js'
import { LIMIT, Sleeper } from './sleeper.js'
import { ACTED, GO, joiner, READY, type Recording, type Role, recorder, victim } from './victim.js'

/** Every write and what follows it, also where one stands for many. */
export const EXHAUSTIVE = process.env.MULTIPROC_STRESS === '1'

/** Children that boot while another one dies: booting is what takes the time. */
const LANES = 3
/** ms for the living to recover the dead. */
const RECOVERY = 3000
/** Writes one after the other from the same line: so many at each end. */
const LOOP = 3

/** Every numbered step (`log.ts [P1]`) before and after which somebody has died. */
export const died = new Set<string>()
/** The names of all that was swept. */
export const swept = new Set<string>()

/** Here reads stand before something that is done without an access, such as writing into a doorbell's pipe. */
const BESIDE_WORDS = /^(src|dist)\/(arena\/doorbell|process)/

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

/** The lines of dist/ at which the step stands (`log.ts [P4]`). */
export function linesOf(step: string): string[] {
  const [file, tag] = step.split(' ')
  const lines: string[] = []
  for (const name of readdirSync(path.join(checkout, 'dist'), { recursive: true, encoding: 'utf8' })) {
    if (path.basename(name) !== file.replace(/ts$/, 'js')) continue
    const text = readFileSync(path.join(checkout, 'dist', name), 'utf8')
    text.split('\n').forEach((line, i) => {
      if (line.includes(`// ${tag}`)) lines.push(`dist/${name}:${i + 1}`)
    })
  }
  assert.equal(lines.length > 0, true, `expected ${step} to stand in dist/`)
  return lines
}

/** An operation as the sweep sees it. */
export interface Plan {
  readonly name: string
  readonly operation: Operation
  /** How the child is started that dies before access `k`; with `recordings` the one that tells what it does. */
  start(k: number, stage: Value<'i'>, given: unknown, recordings?: Queue<Recording>): ProcessOptions<any>
  /** It dies on its way to its target, and does not wait for a word. */
  readonly booting?: boolean
}

const crash = (recordings: unknown): string[] =>
  recordings ? ['--conditions=crash', '--enable-source-maps'] : ['--conditions=crash']

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
    start: (k, stage, given, recordings) => ({
      target: recordings ? recorder : victim,
      args: recordings ? [role, stage, given, recordings] : [role, k, stage, given],
      execArgv: crash(recordings),
    }),
  }
}

/** A child's way from its first access to its target. */
export const joinPlan: Plan = {
  name: 'joining the session',
  booting: true,
  operation: { traceless: true, prepare: () => ({}), act: () => {}, verify: () => 'before' },
  start: (k, stage, _given, recordings) => ({
    target: joiner,
    args: recordings ? [stage, recordings] : [stage],
    execArgv: crash(recordings),
    env: { ...process.env, MULTIPROC_CRASH_AT: recordings ? 'record' : String(k) },
  }),
}

/** A child under way. */
class Flight {
  readonly plan: Plan
  readonly k: number
  readonly given: any
  readonly stage = new Value('i', 0, { lock: false })
  readonly child: Process
  #stderr = ''

  constructor(t: TestContext, plan: Plan, k: number, recordings?: Queue<Recording>) {
    this.plan = plan
    this.k = k
    this.given = plan.operation.prepare()
    this.child = new Process({ stdio: 'pipe', ...plan.start(k, this.stage, this.given, recordings) })
    this.child.start()
    this.child.stderr?.on('data', text => (this.#stderr += text))
    this.child.stdout?.resume()
    t.after(async () => {
      this.child.kill()
      await this.child.join()
    })
  }

  get what(): string {
    const when = this.k === NEVER ? 'killed after the last access' : `killed before access ${this.k}`
    return `${this.plan.name}, ${when} ${this.#stderr}`
  }

  /** Lets it go on to its end, waits until it is recovered, and looks at what it left. */
  async land(sleepers: readonly Sleeper[]): Promise<string> {
    const { child, stage, given, plan } = this
    if (!plan.booting) {
      await until(() => stage.value >= READY || !child.isAlive(), LIMIT, this.what)
      assert.ok(child.isAlive(), `the child failed early: ${this.what}`)
    }
    const asleep = plan.operation.asleep?.(given) ?? []
    for (const [n, sleeping] of asleep.entries()) await sleepers[n].sleepOn(sleeping)
    const { pid } = child
    if (!plan.booting) stage.value = GO
    await child.join({ timeout: LIMIT })
    assert.equal(child.exitCode, -9, this.what)
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

/** How many blocks there are when nothing is kept by handles that nobody refers to any more. */
export async function blocks(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  for (let round = 0; round < 3; round++) {
    collect()
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
  const recording = recordings.getNowait()
  recordings.close()
  for (const lines of recording.places) for (const step of stepsAt(lines)) died.add(step)
  return recording
}

/** Kills the operation at each of its points. */
export async function sweep(t: TestContext, plan: Plan): Promise<void> {
  const { name, operation } = plan
  const probe = operation.prepare()
  const sleepers = (operation.asleep?.(probe) ?? []).map(() => new Sleeper(t))
  closeAll(probe)
  const recording = await record(t, plan, sleepers)
  const points = pointsOf(recording)
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
  await until(() => nobodyElse(sleepers.map(({ process }) => process.pid)), RECOVERY, 'everybody to be gone')
  await sound(name)
  assert.equal(await blocks(), before, 'no block of memory is left behind')
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

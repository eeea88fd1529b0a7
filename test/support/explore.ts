// Runs ordinary synchronous bodies under every interleaving of their accesses to shared words, with a SIGKILL allowed
// before any of them, and reports the shortest run that breaks a rule.
//
// What is exact: every order of accesses, every place of death, every wake-up. What is assumed: accesses take effect one
// after the other (sequential consistency: true for Atomics, and for `peek` and `poke` because a race on them is reported),
// and bodies depend on nothing but the answers they get.
//
// A state is the memory, the place of every process (places.ts), and how many timeouts are left. A body says more to the
// checker with the functions exported here: `ghostAdd`, `moment`, `choose`, `restart`, `fail` …

import { FELL_ASLEEP, type Place, Places, type Way } from './places.ts'
import { Rows } from './rows.ts'
import { type Body, type Operation, perform, TIMED_OUT, type Words } from './words.model.ts'

export { choose, fail, ghostAdd, ghostSet, moment, restart, timedOut } from './words.model.ts'

export type Scenario = {
  /** How many shared words there are, all 0 before `init`. As many as you like: a state holds only those that are touched. */
  size: number
  /** How many different words the bodies and `onDeath` touch, at most, with those that `init` sets. Default 64. */
  touched?: number
  /** How many ghost cells: numbers that only the rules see, written with `ghostAdd` and `ghostSet`. */
  ghosts?: number
  init?(words: Words, ghosts: Int32Array): void
  /** One per process. `me` is its position here; `turn` is what it gave `restart`, undefined the first time. */
  bodies: Body[]
  /**
   * How many processes may be killed in one run, before any step, also while asleep or pausing. Default 0. A body that has
   * come to its end has left in order and is not killed any more.
   */
  deaths?: number
  /** Who may be killed. Default everybody. */
  killable?: number[]
  /**
   * What the kernel does in the moment of a death: marks the liveness word. It must depend on the memory alone. (Here and
   * below, of `words` use words[i] only.)
   */
  onDeath?(words: Words, process: number, ghosts: Int32Array): void
  /** How many sleeps and pauses may end by themselves in one run. Default 0, so that a lost wake-up shows. */
  timeouts?: number
  /** Says what is wrong with a memory, or nothing. Asked once for every different memory, so it must depend on that alone. */
  invariant?(words: Words, ghosts: Int32Array): string | undefined
  /** Says what is wrong with the end of a run, or nothing. Asked at every end. */
  final?(words: Words, end: End): string | undefined
  /** Who may be left waiting at the end (a reaper, an endless consumer). Anybody else left waiting is a violation. */
  mayWait?: number[]
  /** Gives up, not ok, after so many states. Default 5 million. */
  maxStates?: number
  /** What the words are called in a trace. */
  names?: Record<number, string>
  /** Lets `peek` and `poke` meet accesses of others instead of reporting the race. */
  allowRaces?: boolean
}
export type End = { dead: number[]; done: number[]; stuck: number[]; ghosts: Int32Array }
export type Verdict = { ok: boolean; why?: string; trace?: string[]; states: number; ends: number }

/** Stands where the place of a process would stand. */
const DEAD = -1
/** What happened to a process between two states: it made its step, its wait ended by itself, it was killed. */
const STEP = 0
const TIMEOUT = 1
const DEATH = 2

export function explore(scenario: Scenario): Verdict {
  const { size, bodies, killable, mayWait = [], maxStates = 5e6 } = scenario
  const count = bodies.length
  // A row of a state: its memory, the place of every process, timeouts left | the state before, what happened.
  const LEFT = count + 1
  const BEFORE = count + 2
  const EVENT = count + 3
  const states = new Rows(count + 4, count + 2)
  const memories = new Rows((scenario.ghosts ?? 0) + (scenario.touched ?? 64)) // ghosts first
  const handle = new Int32Array(size).fill(0x5eed) // bodies get the identity of the memory, never its content
  const places = bodies.map((body, me) => new Places(body, handle, me, columnOf))
  const here = new Int32Array(count + 4)
  const next = new Int32Array(count + 4)
  const memory = new Int32Array(memories.width)
  const after = new Int32Array(memories.width)
  const ghosts = after.subarray(0, scenario.ghosts ?? 0)
  const columns = new Int32Array(size).fill(-1)
  let used = ghosts.length
  memories.live = used
  /** `after`, for the rules of the scenario, with the words under their own numbers. */
  const words = new Proxy(new Int32Array(size), {
    get: (all, i) =>
      typeof i === 'string' && /^\d/.test(i) ? (columns[+i] < 0 ? 0 : after[columns[+i]]) : Reflect.get(all, i),
    set: (_, i, value) => {
      after[columnOf(Number(i))] = value
      return true
    },
  })
  let changed = true
  /** The memory that a death leaves, plus one: of the process p in the memory m at m * count + p. */
  let afterDeath = new Int32Array(1 << 12)
  let failure: string | undefined
  let ends = 0

  const placeOf = (row: Int32Array, p: number): Place => places[p].at(row[p + 1])
  const depart = () => {
    for (let k = 0; k < next.length; k++) next[k] = here[k]
    for (let k = 0; k < used; k++) after[k] = memory[k]
    changed = false
  }
  const take = (p: number, { to, effects }: Way) => {
    next[p + 1] = to.id
    for (const { cell, value, adds } of effects) {
      if (!(cell >= 0 && cell < ghosts.length))
        failure ??= `p${p}: expected a ghost cell below ${ghosts.length}, got ${cell}`
      ghosts[cell] = adds ? ghosts[cell] + value : value
      changed = true
    }
    if (to.failure !== undefined) failure ??= `p${p}: ${to.failure}`
  }
  const arrive = (from: number, kind: number, p: number, choice = 0) => {
    if (changed) next[0] = internMemory()
    next[BEFORE] = from
    next[EVENT] = (choice << 16) | (p << 2) | kind
    return states.intern(next)
  }

  const begin = new Int32Array(size)
  scenario.init?.(begin, ghosts)
  begin.forEach((value, i) => {
    if (value !== 0) after[columnOf(i)] = value
  })
  for (let p = 0; p < count; p++) take(p, places[p].start(undefined))
  next[LEFT] = scenario.timeouts ?? 0
  arrive(-1, STEP, 0)
  if (failure !== undefined) return report(failure, 0)

  // States are numbered as they are found, so going through the numbers is a breadth-first search.
  for (let s = 0; s < states.count; s++) {
    if (states.count > maxStates) return report(unfinished())
    states.read(s, here)
    memories.read(here[0], memory)
    const race = scenario.allowRaces ? undefined : raceIn(here)
    if (race !== undefined) return report(race, s)
    let deaths = 0
    for (let p = 0; p < count; p++) if (here[p + 1] === DEAD) deaths++
    let moves = 0
    for (let p = 0; p < count; p++) {
      if (here[p + 1] === DEAD) continue
      const place = placeOf(here, p)
      const op = place.op
      if (op === undefined) continue
      if (deaths < (scenario.deaths ?? 0) && (killable?.includes(p) ?? true)) {
        depart()
        next[p + 1] = DEAD
        next[0] = memoryAfterDeath(p)
        const found = arrive(s, DEATH, p)
        if (failure !== undefined) return report(failure, found)
      }
      const waits = op.kind === 'asleep' || (op.kind === 'pause' && !mayGoOn(place, memory))
      if (waits && here[LEFT] > 0) {
        moves++
        depart()
        next[LEFT]--
        take(p, places[p].after(place, TIMED_OUT))
        const found = arrive(s, TIMEOUT, p)
        if (failure !== undefined) return report(failure, found)
      }
      if (waits) continue
      for (let choice = 0; choice < (op.kind === 'choose' ? op.a : 1); choice++) {
        moves++
        depart()
        let answer = choice
        if (op.kind === 'sleep') answer = memory[place.at] === op.a ? FELL_ASLEEP : 0
        else if (op.kind === 'wake') {
          for (let q = 0; q < count; q++) if (isAsleep(q, op.i)) take(q, places[q].after(placeOf(here, q), 0))
        } else if (op.kind !== 'pause' && op.kind !== 'choose') {
          answer = perform(after, op, place.at)
          changed = after[place.at] !== memory[place.at]
        }
        take(p, places[p].after(place, answer))
        const found = arrive(s, STEP, p, choice)
        if (failure !== undefined) return report(failure, found)
      }
    }
    if (moves > 0) continue
    ends++
    const wrong = wrongAtEnd()
    if (wrong !== undefined) return report(wrong, s)
  }
  return { ok: true, states: states.count, ends }

  /** Most steps of a run are deaths, and they find the same few memories. */
  function memoryAfterDeath(p: number): number {
    const at = here[0] * count + p
    if (at >= afterDeath.length) {
      const longer = new Int32Array(at * 2)
      longer.set(afterDeath)
      afterDeath = longer
    }
    if (afterDeath[at] === 0) {
      scenario.onDeath?.(words, p, ghosts)
      afterDeath[at] = internMemory() + 1
    }
    return afterDeath[at] - 1
  }

  function internMemory(): number {
    const known = memories.count
    const index = memories.intern(after)
    if (memories.count > known) failure ??= scenario.invariant?.(words, ghosts)
    return index
  }

  function columnOf(word: number): number {
    if (!(word in columns)) throw new RangeError(`explore: expected a word between 0 and ${size - 1}, got ${word}`)
    if (columns[word] < 0) columns[word] = used++
    memories.live = used
    if (used > after.length)
      throw new Error(
        `explore: expected at most ${after.length - ghosts.length} words to be touched; give the scenario a larger \`touched\``,
      )
    return columns[word]
  }

  function isAsleep(q: number, i: number): boolean {
    if (here[q + 1] === DEAD) return false
    const { op } = placeOf(here, q)
    return op?.kind === 'asleep' && op.i === i
  }

  function raceIn(row: Int32Array): string | undefined {
    for (let p = 0; p < count; p++) {
      if (row[p + 1] === DEAD) continue
      const one = placeOf(row, p)
      if (!one.plain) continue
      for (let q = 0; q < count; q++) {
        if (q === p || row[q + 1] === DEAD) continue
        const other = placeOf(row, q)
        if (other.touches === one.touches && (one.writes || other.writes))
          return `data race: p${p} may ${describe(one.op!)} while p${q} may ${describe(other.op!)}`
      }
    }
    return undefined
  }

  function wrongAtEnd(): string | undefined {
    const all = bodies.map((_, p) => p)
    const dead = all.filter(p => here[p + 1] === DEAD)
    const done = all.filter(p => !dead.includes(p) && placeOf(here, p).op === undefined)
    const stuck = all.filter(p => !dead.includes(p) && !done.includes(p))
    const late = stuck.filter(p => !mayWait.includes(p))
    if (late.length > 0) return `asleep for ever: ${late.map(p => `p${p}`).join(', ')}`
    depart()
    return scenario.final?.(words, { dead, done, stuck, ghosts })
  }

  function unfinished(): string {
    const steps = places.map(({ longest }, p) => `p${p} ${longest}`).join(', ')
    return `maxStates: more than ${maxStates} states and no end (steps so far: ${steps}; an endless loop needs restart())`
  }

  function describe({ kind, i, a, b }: Operation): string {
    const word = scenario.names?.[i] ?? `w[${i}]`
    if (kind === 'pause') return 'pause()'
    if (kind === 'choose') return a === 1 ? 'moment()' : `choose(${a})`
    if (kind === 'load' || kind === 'peek' || kind === 'wake' || kind === 'asleep') return `${kind}(${word})`
    return kind === 'compareExchange' ? `${kind}(${word}, ${a}, ${b})` : `${kind}(${word}, ${a})`
  }

  function report(why: string, at?: number): Verdict {
    if (at === undefined) return { ok: false, why, states: states.count, ends }
    const trace: string[] = []
    states.read(at, here)
    trace.push(`— p${places.map((_, p) => `${p} ${standing(here, p)}`).join(', p')}`)
    while (here[BEFORE] >= 0) {
      const event = here[EVENT]
      states.read(here[BEFORE], here)
      trace.push(line(event & 3, (event >> 2) & 0x3fff, event >> 16))
    }
    return { ok: false, why, trace: trace.reverse(), states: states.count, ends }
  }

  function standing(row: Int32Array, p: number): string {
    if (row[p + 1] === DEAD) return 'is dead'
    const { op, failure } = placeOf(row, p)
    if (failure !== undefined) return 'has failed'
    return op === undefined ? 'has finished' : `is at ${describe(op)}`
  }

  /** The line of a trace for what happened in the state that `here` holds. */
  function line(kind: number, p: number, choice: number): string {
    if (kind === DEATH) return `*** p${p} is killed here (it ${standing(here, p)})`
    const { op: next, at } = placeOf(here, p)
    const op = next!
    if (kind === TIMEOUT) return `p${p} ${describe(op)} ends by itself`
    memories.read(here[0], memory)
    const text = `p${p} ${describe(op)}`
    if (op.kind === 'pause' || (op.kind === 'choose' && op.a === 1)) return text
    if (op.kind === 'choose') return `${text} → ${choice}`
    if (op.kind === 'sleep')
      return `${text} ${memory[at] === op.a ? 'falls asleep' : `returns, the word is ${memory[at]}`}`
    if (op.kind !== 'wake')
      return op.kind === 'store' || op.kind === 'poke' ? text : `${text} → ${perform(memory, op, at)}`
    const woken = bodies.flatMap((_, q) => (isAsleep(q, op.i) ? [`p${q}`] : []))
    return `${text} wakes ${woken.join(', ') || 'nobody'}`
  }
}

/** A pause ends once something seen since the pause before it is different; until then another turn would find the same. */
function mayGoOn({ seen }: Place, memory: Int32Array): boolean {
  if (seen.length === 0) return true
  for (const { at, value } of seen) if (memory[at] !== value) return true
  return false
}

/** What inspect() gives: two sessions at a glance, and who waits for whom. */
import { type Glance, glance, type SeenObject, type SeenParticipant } from '../arena/glance.ts'
import { joinedSession } from '../arena/session.ts'
import { joinedCommons } from './share.ts'

/** What there is in shared memory, and who waits for what. Sizes are bytes. */
export interface SessionReport {
  participants: {
    pid: number
    /** The kernel's number of the thread; 0: the main thread of its process. */
    thread: number
    name: string
    alive: boolean
    /** The `id`s of objects. */
    waitingFor: string[]
  }[]
  objects: {
    /** Kind and address, as in `Lock 0x90140`; for what lies in the commons with `(shared)` behind it. */
    id: string
    kind: string
    /** Under which share() knows it. */
    name?: string
    /** The object itself, without the items of a queue. */
    bytes: number
    /** Pids: whoever holds a lock, has a permit, an item in hand; not who only has a handle (`detail.handles`). */
    holders: number[]
    /** Pids. */
    waiters: number[]
    detail: Record<string, unknown>
  }[]
  /** Rings of participants who wait for each other, a line for each of them. */
  deadlocks: string[][]
  /** In use, and taken from the ceiling for it. */
  memory: { used: number; reserved: number }
}

/** A thread that may be in both sessions. */
interface Person {
  readonly pid: number
  readonly thread: number
  readonly name: string
  alive: boolean
  blocked: boolean
  readonly waitingFor: Thing[]
}

interface Thing {
  readonly id: string
  readonly seen: SeenObject
  name?: string
  readonly holders: Person[]
  readonly waiters: Person[]
  readonly handles: Person[]
}

/**
 * Who takes part, what objects there are, who holds and who waits for what, and rings of those who wait for each other: of
 * this program's session, and of what it shares by name if it called share().
 *
 * Never waits, changes nothing, and is a glance: what others do meanwhile may be seen by halves. Whoever is about to wait
 * but still looks is not seen to wait. Before the first object is made the report is empty.
 *
 * A deadlock is certain if everybody in it blocks without a timeout. Somebody who awaits may hold one lock in one task and
 * await another in a second one, and still go on. A semaphore is in a ring when all of its permits are held, a Condition
 * when its lock is; who waits for an item, a message or at a barrier waits for nobody in particular.
 *
 * @example
 * const lock = new Lock()
 * const held = lock.acquireSync()
 * const waiting = lock.acquire()
 * const report = inspect()
 * const seen = report.objects.find(({ kind }) => kind === 'Lock')
 * assert.deepEqual(seen?.holders, [process.pid])
 * assert.deepEqual(report.deadlocks, [])
 * held.release()
 * ;(await waiting).release()
 */
export function inspect(): SessionReport {
  const report = look()
  if (report.deadlocks.length === 0) return report
  // what was seen by halves may look like a ring; a true one is there again
  const again = new Set(look().deadlocks.map(String))
  return { ...report, deadlocks: report.deadlocks.filter(ring => again.has(String(ring))) }
}

function look(): SessionReport {
  const people = new Map<string, Person>()
  const things: Thing[] = []
  const memory = { used: 0, reserved: 0 }
  const add = (seen: Glance, mark: string) => {
    things.push(...thingsIn(seen, mark, people))
    memory.used += seen.used
    memory.reserved += seen.reserved
  }
  const [own, commons] = [joinedSession(), joinedCommons()]
  if (own) add(glance(own), '')
  if (commons) add(glance(commons), ' (shared)')
  return {
    participants: [...people.values()].map(({ pid, thread, name, alive, waitingFor }) => ({
      pid,
      thread,
      name,
      alive,
      waitingFor: waitingFor.map(({ id }) => id),
    })),
    objects: things.map(told),
    deadlocks: deadlocksAmong([...people.values()]),
    memory,
  }
}

function thingsIn({ participants, objects }: Glance, mark: string, people: Map<string, Person>): Thing[] {
  const bySlot = new Map(participants.map(one => [one.slot, personOf(one, mark, people)]))
  const find = (slots: readonly number[]) => slots.flatMap(slot => bySlot.get(slot) ?? [])
  const byAddress = new Map<number, Thing>()
  for (const seen of objects) {
    const waiters = find(seen.waiters)
    const id = `${seen.kind} 0x${seen.address.toString(16)}${mark}`
    const thing: Thing = { id, seen, holders: find(seen.holders), waiters, handles: find(seen.handles) }
    for (const person of waiters) person.waitingFor.push(thing)
    byAddress.set(seen.address, thing)
  }
  for (const { seen } of byAddress.values()) {
    const { name, named = [] } = seen.description
    if (name === undefined) continue
    for (const address of [seen.address, ...named]) {
      const thing = byAddress.get(address)
      if (thing) thing.name = name
    }
  }
  return [...byAddress.values()]
}

function personOf(one: SeenParticipant, mark: string, people: Map<string, Person>): Person {
  // one that has not joined yet has no pid: then its slot tells it from others
  const key = one.thread === 0 ? `slot ${one.slot}${mark}` : `${one.pid} ${one.thread}`
  const known = people.get(key)
  if (known) {
    known.alive &&= one.alive
    known.blocked ||= one.blocked
    return known
  }
  const thread = one.thread === one.pid ? 0 : one.thread
  const { pid, name, alive, blocked } = one
  const person: Person = { pid, thread, name, alive, blocked, waitingFor: [] }
  people.set(key, person)
  return person
}

function told({ id, seen, name, holders, waiters, handles }: Thing): SessionReport['objects'][number] {
  const pids = (who: readonly Person[]) => [...new Set(who.map(({ pid }) => pid))]
  return {
    id,
    kind: seen.kind,
    ...(name === undefined ? {} : { name }),
    bytes: seen.bytes,
    holders: pids(holders),
    waiters: pids(waiters),
    detail: { ...seen.description.detail, handles: pids(handles) },
  }
}

/** Takes away those who may go on, until only those are left who wait for each other; of these each ring once. */
function deadlocksAmong(people: readonly Person[]): string[][] {
  const stuck = new Set(people.filter(({ alive, waitingFor }) => alive && waitingFor.length > 0))
  // a thing with several holders is free as soon as one of them goes on
  const blocks = (person: Person, { holders, seen }: Thing) =>
    seen.description.exclusive !== false &&
    holders.length > 0 &&
    holders.every(holder => stuck.has(holder)) &&
    (person.blocked || !holders.includes(person))
  for (let before = -1; before !== stuck.size; ) {
    before = stuck.size
    for (const person of stuck) if (!person.waitingFor.some(thing => blocks(person, thing))) stuck.delete(person)
  }
  const rings: string[][] = []
  const seen = new Set<Person>()
  for (const first of stuck) {
    const way: { person: Person; thing: Thing }[] = []
    let person = first
    while (!seen.has(person)) {
      seen.add(person)
      const thing = person.waitingFor.find(thing => blocks(person, thing)) as Thing
      way.push({ person, thing })
      person = nextAfter(person, thing, seen)
    }
    const start = way.findIndex(step => step.person === person)
    if (start >= 0) rings.push(way.slice(start).map(lineOf))
  }
  return rings
}

/** Of several holders one that was not met yet, so that the ring gets them all; rather another than oneself. */
function nextAfter(person: Person, { holders }: Thing, met: ReadonlySet<Person>): Person {
  return holders.find(one => !met.has(one)) ?? holders.find(one => one !== person) ?? holders[0]
}

function lineOf({ person, thing }: { person: Person; thing: Thing }): string {
  const { id, name, holders } = thing
  const label = name === undefined ? id : `${id} '${name}'`
  return `${who(person)} ${person.blocked ? 'blocks' : 'awaits'} in ${label}, held by ${holders.map(who).join(', ')}`
}

const who = ({ name, pid, thread }: Person): string => `${name} (pid ${pid}${thread === 0 ? '' : `, thread ${thread}`})`

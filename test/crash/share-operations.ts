// What share() does, step by step, in processes that die of it: meeting in the commons, creating what a name stands for,
// letting it go. The parent is in the commons, too, and holds the names that it wants to look at afterwards.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { Lock } from 'multiproc'
import { check } from '#src/arena/check.js'
import { makeIn } from '#src/arena/elsewhere.js'
import type { Session } from '#src/arena/session.js'
import { tryMeet } from '#src/commons/meeting.js'
import { type Name, nameOfBytes } from '#src/commons/name.js'
import { until } from '../support/children.js'
import { playFirst } from './actor.js'
import type { Legacy, Operation, Outcome } from './operation.js'

let commons: Session | undefined

/** This process's place in the commons. Another may be at the door for a moment. */
function met(): Session {
  while (commons === undefined) commons = tryMeet()
  return commons
}

/** In the commons, at once. */
function made<T>(make: () => T): T {
  const all: T[] = []
  void makeIn(met(), 'a test', () => {
    all.push(make())
  })
  return all[0]
}

function hold(name: string): Name {
  const named = nameOfBytes(met(), Buffer.from(name))
  named.use()
  return named
}

/** Names that this process holds. */
const held = new Map<string, Name>()

/** A name that nobody else has, held by this process. */
function fresh(): { name: string } {
  const name = randomUUID()
  held.set(name, hold(name))
  return { name }
}

/** Blocks of these sizes can be had in the commons without a new slab. */
function stock(...sizes: number[]): void {
  const { allocator } = met()
  for (const block of sizes.map(size => allocator.allocate(size))) allocator.free(block)
}

/** The dead are recovered, and nothing impossible is left of them. */
async function inOrder(): Promise<void> {
  let wrong: string[] = []
  const look = () => {
    met().lookForDead()
    wrong = check(met())
    return wrong.length === 0
  }
  await until(look, 60_000, () => `the commons to be in order: ${wrong.join('; ')}`)
}

/** The name has its value, whole, or it can be created. */
async function thereOrNot({ name }: { name: string }): Promise<Outcome> {
  await inOrder()
  const named = held.get(name) as Name
  held.delete(name)
  const there = named.attempt()
  if (there === true) {
    const { value, lone } = named.value()
    const { lock, n } = value as { lock: Lock; n: number }
    assert.equal(lone, undefined)
    assert.equal(n, 7)
    lock.acquireSync({ timeout: 0 }).release()
    lock.close()
  } else {
    assert.equal(there, false, 'nobody creates it')
    named.giveUp()
  }
  named.untie()
  await inOrder()
  return there ? 'after' : 'before'
}

/** Nobody knows the name any more. */
async function gone({ name }: { name: string }): Promise<Outcome> {
  await inOrder()
  const named = hold(name)
  assert.equal(named.attempt(), false)
  named.giveUp()
  named.untie()
  await inOrder()
  return 'before'
}

const fulfilling = {
  prepare: fresh,
  ready: ({ name }: { name: string }) => {
    stock(64, 384, 1024)
    return { named: hold(name), lock: made(() => new Lock()) }
  },
  act: (_: unknown, { named, lock }: { named: Name; lock: Lock }) => {
    assert.equal(named.attempt(), false)
    named.fulfil({ lock, n: 7 })
  },
  verify: thereOrNot,
}

/** Dies creating, and is not recovered in the commons until somebody looks there. */
export function claimForEver(name: string): void {
  hold(name).attempt()
  process.kill(process.pid, 'SIGKILL')
}

export const shareOperations: Record<string, Operation> = {
  'meeting in the commons as the first': {
    traceless: true,
    prepare: () => ({ scope: randomUUID() }),
    act: ({ scope }) => {
      process.env.MULTIPROC_COMMONS = scope
      assert.ok(tryMeet())
    },
    verify: () => 'before',
  },
  'meeting in the commons those who are there': {
    traceless: true,
    prepare: () => {
      met()
      return {}
    },
    act: () => void met(),
    verify: async (): Promise<Outcome> => {
      await inOrder()
      return 'before'
    },
  },
  'a new name in the commons': {
    traceless: true,
    prepare: () => ({ name: randomUUID() }),
    ready: () => stock(768, 1024),
    act: ({ name }) => void hold(name),
    verify: gone,
  },
  'share(): creating what a name stands for': fulfilling,
  'share(): giving up to create': {
    ...fulfilling,
    traceless: true,
    act: (_, { named }) => {
      assert.equal(named.attempt(), false)
      named.giveUp()
    },
  },
  'share(): taking over from a creator who died': {
    ...fulfilling,
    prepare: () => {
      const given = fresh()
      playFirst({ part: 'claimForEver', args: [given.name] })
      return given
    },
  },
  'share(): letting the last hold on a name go': {
    traceless: true,
    prepare: () => ({ name: randomUUID() }),
    ready: ({ name }) => {
      const other = hold(randomUUID())
      const named = hold(name)
      hold(randomUUID())
      assert.equal(named.attempt(), false)
      const lock = made(() => new Lock())
      named.fulfil({ lock, n: 7 })
      lock.close()
      return { named, other }
    },
    act: (_, { named, other }) => {
      named.untie()
      other.untie()
    },
    verify: gone,
  },
}

const looking = { settle: () => void met(), inherit: () => met().lookForDead() }

export const shareLegacies: Record<string, Legacy> = {
  'a value that was created but not handed to its name': {
    ...fulfilling,
    ...looking,
    traceless: true,
    step: 'name.ts [N6]',
  },
  'a name half taken apart': {
    ...shareOperations['share(): letting the last hold on a name go'],
    ...looking,
    step: 'name.ts [N10]',
  },
}

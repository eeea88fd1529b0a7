// Every sequence of a few steps by three callers, on the objects that hand something over: what must hold holds after each.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Asked, Client, type Hosted, host, settled } from './client.js'

/** The callers of one run, one call of each at a time, and what they have of the object. */
class Scene {
  readonly hosted: Hosted
  readonly clients: Client[]
  readonly calls: (Asked | undefined)[] = [undefined, undefined, undefined]
  readonly gone = [false, false, false]
  /** What each knows it has: for a lock or a semaphore how often, for a queue which items. */
  readonly has: number[][] = [[], [], []]
  /** For a queue: the item that each is putting; what was put; what nobody has to care for any more. */
  readonly putting: (number | undefined)[] = [undefined, undefined, undefined]
  readonly put = new Set<number>()
  readonly over = new Set<number>()
  items = 0

  constructor(typeid: string, args: unknown[]) {
    this.hosted = host(typeid, args)
    this.clients = this.calls.map((_, i) => new Client(`c${i}`, i + 1))
  }

  isFree(who: number): boolean {
    return this.calls[who] === undefined && !this.gone[who]
  }

  /** The answer stays on its way until it is delivered. */
  ask(who: number, method: string, ...args: unknown[]): void {
    this.calls[who] = this.clients[who].askSlowly(this.hosted, method, args)
  }

  /** Of the calls that were answered and whose answer is on its way. */
  answers(): { who: number; value: number }[] {
    return this.calls.flatMap((call, who) => {
      if (typeof call?.outcome !== 'object') return []
      assert.ok('value' in call.outcome)
      return { who, value: call.outcome.value as number }
    })
  }

  waiting(): number[] {
    return this.calls.flatMap((call, who) => (call?.isWaiting ? who : []))
  }
}

interface Step {
  readonly name: string
  can(scene: Scene, who: number): boolean
  do(scene: Scene, who: number): void
}

const giveUp: Step = {
  name: 'gives up',
  can: (scene, who) => scene.calls[who] !== undefined,
  do(scene, who) {
    scene.calls[who]?.withdraw()
    scene.calls[who] = undefined
    scene.putting[who] = undefined
  },
}

const die: Step = {
  name: 'dies',
  can: (scene, who) => !scene.gone[who] && (scene.calls[who] !== undefined || scene.has[who].length > 0),
  do(scene, who) {
    scene.gone[who] = true
    scene.clients[who].die()
    scene.calls[who] = undefined
    scene.putting[who] = undefined
    scene.has[who] = []
  },
}

const acquire: Step = {
  name: 'acquires',
  can: (scene, who) => scene.isFree(who),
  do: (scene, who) => scene.ask(who, 'acquire'),
}

const release: Step = {
  name: 'releases',
  can: (scene, who) => scene.isFree(who) && scene.has[who].length > 0,
  do(scene, who) {
    scene.clients[who].do(scene.hosted, 'release')
    scene.has[who].pop()
  },
}

const receive: Step = {
  name: 'is answered',
  can: (scene, who) => scene.answers().some(answer => answer.who === who),
  do(scene, who) {
    const answer = scene.answers().find(one => one.who === who)
    scene.calls[who]?.deliver()
    scene.calls[who] = undefined
    if (scene.putting[who] === undefined) scene.has[who].push(answer?.value as number)
    scene.putting[who] = undefined
  },
}

const put: Step = {
  name: 'puts',
  can: (scene, who) => scene.isFree(who),
  do(scene, who) {
    scene.putting[who] = scene.items
    scene.ask(who, 'put', scene.items++)
  },
}

const get: Step = {
  name: 'gets',
  can: (scene, who) => scene.isFree(who),
  do: (scene, who) => scene.ask(who, 'get'),
}

/** Of a queue that only counts: whoever has an item has it for good. */
const keep: Step = {
  ...receive,
  do(scene, who) {
    receive.do(scene, who)
    for (const item of scene.has[who].splice(0)) scene.over.add(item)
  },
}

const done: Step = {
  name: 'is done',
  can: (scene, who) => scene.isFree(who) && scene.has[who].length > 0,
  do(scene, who) {
    scene.clients[who].do(scene.hosted, 'task_done')
    const oldest = Math.min(...scene.has[who])
    scene.over.add(oldest)
    scene.has[who].splice(scene.has[who].indexOf(oldest), 1)
  },
}

/** Plays every sequence of up to `length` steps, each by each of the callers; gives how many there were. */
async function playAll(
  make: () => Scene,
  steps: Step[],
  length: number,
  check: (scene: Scene) => void,
): Promise<number> {
  interface Move {
    step: Step
    who: number
  }
  const play = async (moves: readonly Move[]): Promise<Move[]> => {
    const scene = make()
    for (const { step, who } of moves) {
      step.do(scene, who)
      await settled()
      for (const answer of scene.answers()) {
        const item = scene.putting[answer.who]
        if (item !== undefined) scene.put.add(item)
      }
    }
    // callers who have done nothing yet are alike
    const acted = new Set(moves.map(move => move.who)).size
    const next = steps.flatMap(step =>
      [0, 1, 2].filter(who => who <= acted && step.can(scene, who)).map(who => ({ step, who })),
    )
    try {
      check(scene)
    } catch (error) {
      throw new Error(`after ${moves.map(({ step, who }) => `${who} ${step.name}`).join(', ')}`, { cause: error })
    }
    return next
  }
  const from = async (moves: readonly Move[]): Promise<number> => {
    let played = 1
    const next = await play(moves)
    if (moves.length < length) for (const move of next) played += await from([...moves, move])
    return played
  }
  return from([])
}

const LEAST = 1000

for (const typeid of ['Lock', 'RLock']) {
  test(`${typeid}: after any six steps of three callers at most one has it, and who waits, waits for that one`, async () => {
    const check = (scene: Scene) => {
      const holders = new Set(scene.answers().map(({ who }) => who))
      scene.has.forEach((held, who) => {
        if (held.length > 0) holders.add(who)
      })
      assert.ok(holders.size <= 1, 'at most one has it')
      assert.equal(new Client('x').do(scene.hosted, 'locked'), holders.size === 1)
      if (scene.waiting().length > 0) assert.equal(holders.size, 1, 'nobody waits for nobody')
    }
    const played = await playAll(() => new Scene(typeid, []), [acquire, release, receive, giveUp, die], 6, check)
    assert.ok(played > LEAST, `${played} sequences`)
  })
}

const wait: Step = {
  name: 'waits',
  can: release.can,
  do(scene, who) {
    scene.has[who].pop()
    scene.ask(who, 'wait')
  },
}

const notify: Step = {
  name: 'notifies',
  can: release.can,
  do: (scene, who) => void scene.clients[who].do(scene.hosted, 'notify'),
}

test('Condition: after any six steps of three callers at most one has the lock, and it is free when none but sleepers wait', async () => {
  const check = (scene: Scene) => {
    const { type, object } = scene.hosted
    const asleep = Number(/(\d+)\)>$/.exec(type.repr(object))?.[1])
    const holders = scene.has.reduce((sum, has) => sum + has.length, scene.answers().length)
    assert.ok(holders <= 1, 'at most one has it')
    assert.equal(new Client('x').do(scene.hosted, 'locked'), holders === 1)
    assert.ok(asleep <= scene.waiting().length, 'nobody sleeps who is gone')
    if (scene.waiting().length > asleep) assert.equal(holders, 1, 'nobody waits for nobody')
  }
  const on = () => new Scene('Condition', [host('Lock').object])
  const played = await playAll(on, [acquire, release, wait, notify, receive, giveUp, die], 6, check)
  assert.ok(played > LEAST, `${played} sequences`)
})

for (const typeid of ['Semaphore', 'BoundedSemaphore']) {
  test(`${typeid}: after any six steps of three callers no permit is lost, and none is made`, async () => {
    const check = (scene: Scene) => {
      const held = scene.has.reduce((sum, has) => sum + has.length, scene.answers().length)
      const free = new Client('x').do(scene.hosted, 'get_value') as number
      assert.equal(free + held, 2)
      if (scene.waiting().length > 0) assert.equal(free, 0, 'nobody waits while one is free')
    }
    const played = await playAll(() => new Scene(typeid, [2]), [acquire, release, receive, giveUp, die], 6, check)
    assert.ok(played > LEAST, `${played} sequences`)
  })
}

for (const [typeid, steps] of [
  ['Queue', [put, get, keep, giveUp, die]],
  ['JoinableQueue', [put, get, receive, done, giveUp, die]],
] as const) {
  test(`${typeid}: after any five steps of three callers each item is somewhere, once, and the queued are in order`, async () => {
    const check = (scene: Scene) => {
      const x = new Client('x')
      const size = x.do(scene.hosted, 'qsize') as number
      const [puts, gets] = [0, 1].map(kind =>
        scene.waiting().filter(who => (scene.putting[who] === undefined) === (kind === 1)),
      )
      if (gets.length > 0) assert.equal(size, 0, 'nobody waits for an item while there is one')
      if (puts.length > 0) assert.ok(size > 0, 'nobody waits for room while there is some')
      const elsewhere = new Set([...scene.over, ...scene.has.flat()])
      for (const { who, value } of scene.answers()) if (scene.putting[who] === undefined) elsewhere.add(value)
      const expected = [...scene.put].filter(item => !elsewhere.has(item))
      for (const who of puts) expected.push(scene.putting[who] as number)
      const queued: unknown[] = []
      while (!x.do(scene.hosted, 'empty')) queued.push(x.do(scene.hosted, 'get'))
      assert.deepEqual(queued, expected.sort())
    }
    const played = await playAll(() => new Scene(typeid, [1]), [...steps], 5, check)
    assert.ok(played > LEAST, `${played} sequences`)
  })
}

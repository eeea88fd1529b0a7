// Operations on pipes that are killed at each of their accesses.
import assert from 'node:assert/strict'
import { type Connection, Lock, Pipe } from 'multiproc'
import { toAddress } from '#src/arena/layout.js'
import { bodyAt } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { NOT_EMPTY, NOT_FULL } from '#src/channel/log.js'
import { logOffset } from '#src/channel/pipe-core.js'
import { SHAREABLE } from '#src/contract/shareable.js'
import { pollReadable } from '#src/os/poll.js'
import { until } from '../support/children.js'
import { peek } from '../support/words.crash.js'
import { type Operation, type Outcome, pattern, stock } from './operation.js'
import type { Sleeping } from './sleeper.js'

const TEN_KB = 10_000
/** Above the mark from which on sends wait. */
const HEAVY = 40_000_000

/** The object between the ends, in which the wait sets lie. */
function coreOf(end: Connection<any, any>): number {
  const { w, at } = bodyAt(currentSession(), end[SHAREABLE]().id)
  return toAddress(peek(w, at))
}

/** Somebody who waits in an operation of `end`, which is the first or the second of its pipe. */
function waits(
  end: Connection<any, any>,
  side: 0 | 1,
  what: string,
  blocking: boolean,
  args: unknown[] = [],
): Sleeping {
  const sends = what === 'send' || what === 'sendBytes'
  const log = logOffset(sends ? (side === 0 ? 1 : 0) : side)
  return { what, object: end, blocking, args, address: coreOf(end), set: log + (sends ? NOT_FULL : NOT_EMPTY) }
}

/** All that can be received. */
function received(end: Connection<any, any>): unknown[] {
  const messages: unknown[] = []
  while (end.pollSync()) messages.push(end.recvSync({ timeout: 0 }))
  return messages
}

function send(message: unknown, before: unknown[], sizes: number[]): Operation {
  return {
    prepare: () => {
      const [a, b] = Pipe()
      for (const one of before) a.sendSync(one)
      return { a, b }
    },
    ready: () => stock(...sizes),
    act: ({ a }) => a.sendSync(message),
    verify: ({ a, b }) => {
      a.sendSync('later')
      const messages = received(b)
      const there = messages.length === before.length + 2
      assert.deepEqual(messages, there ? [...before, message, 'later'] : [...before, 'later'])
      return there ? 'after' : 'before'
    },
  }
}

function recv(message: unknown, rest: unknown[]): Operation {
  return {
    prepare: () => {
      const [a, b] = Pipe()
      for (const one of [message, ...rest]) a.sendSync(one)
      return { a, b }
    },
    act: ({ b }) => assert.deepEqual(b.recvSync(), message),
    verify: ({ a, b }) => {
      a.sendSync('later')
      const messages = received(b)
      const there = messages.length === rest.length + 2
      assert.deepEqual(messages, there ? [message, ...rest, 'later'] : [...rest, 'later'])
      return there ? 'before' : 'after'
    },
  }
}

/** The end of the pipe is closed by the child, who is the last to hold it: done in any case, by the child or by those who recover it. */
function closing(
  asleep: (a: Connection) => Sleeping[],
  told: unknown[],
  prepare: (a: Connection, b: Connection) => void,
): Operation {
  return {
    traceless: true,
    prepare: () => {
      const [a, b] = Pipe()
      prepare(a, b)
      return { a, b }
    },
    act: ({ b }) => b.close(),
    asleep: ({ a, b }) => {
      const waiting = asleep(a)
      b.close() // from here on the child alone holds it
      return waiting
    },
    async verify({ a }, answer): Promise<Outcome> {
      for (const [n, what] of told.entries()) assert.equal(await answer(n), what)
      assert.throws(() => a.sendSync(1), { name: 'BrokenPipeError' })
      for (let ended = false; !ended; ) {
        try {
          assert.ok(a.recvSync({ timeout: 0 }))
        } catch (error) {
          assert.equal((error as Error).name, 'EOFError')
          ended = true
        }
      }
      return 'before'
    },
  }
}

export const connectionOperations: Record<string, Operation> = {
  'Connection.sendSync() of a small message': send({ n: 1 }, ['a', 'b'], []),
  'Connection.sendSync() into a new pipe': send('first', [], [1024]),
  'Connection.sendSync() of 10 KB, in a block of its own': send(pattern(TEN_KB), ['a'], [TEN_KB + 100]),
  'Connection.recvSync() of a small message': recv({ n: 1 }, ['b']),
  'Connection.recvSync() of 10 KB, in a block of its own': recv(pattern(TEN_KB), ['b']),
  'Connection.sendSync() of an end': {
    prepare: () => {
      const [a, b] = Pipe()
      const [c, d] = Pipe<any>()
      return { a, b, c, d }
    },
    ready: () => stock(1024, 128),
    act: ({ a, c }) => a.sendSync({ c }),
    verify: ({ b, c, d }) => {
      c.close()
      if (!b.pollSync()) {
        assert.throws(() => d.recvSync({ timeout: 60_000 }), { name: 'EOFError' })
        return 'before'
      }
      const got = b.recvSync().c
      got.sendSync('it works')
      assert.equal(d.recvSync({ timeout: 0 }), 'it works')
      got.close()
      return 'after'
    },
  },
  'Connection.recvSync() of an end that nobody else has': {
    prepare: () => {
      const [a, b] = Pipe<any>()
      const [c, d] = Pipe<any>()
      a.sendSync({ c })
      c.close()
      return { a, b, d }
    },
    act: ({ b }) => b.recvSync(),
    verify: ({ b, d }) => {
      if (!b.pollSync()) {
        assert.throws(() => d.recvSync({ timeout: 60_000 }), { name: 'EOFError' })
        return 'after'
      }
      const { c } = b.recvSync()
      assert.equal(d.pollSync(), false)
      c.close()
      assert.throws(() => d.recvSync({ timeout: 0 }), { name: 'EOFError' })
      return 'before'
    },
  },
  'Connection.sendSync() while others receive and poll': {
    prepare: () => {
      const [a, b] = Pipe()
      return { a, b }
    },
    ready: () => stock(1024),
    act: ({ a }) => a.sendSync('new'),
    asleep: ({ b }) => [waits(b, 1, 'poll', true, [null]), waits(b, 1, 'recv', true), waits(b, 1, 'recv', false)],
    async verify({ a, b }, answer) {
      a.sendSync('late')
      a.sendSync('later')
      const messages = [await answer(1), await answer(2)]
      messages.push(...received(b))
      a.sendSync('for the one who polls')
      assert.equal(await answer(0), true)
      b.recvSync()
      messages.sort()
      if (messages.length === 2) assert.deepEqual(messages, ['late', 'later'])
      else assert.deepEqual(messages, ['late', 'later', 'new'])
      return messages.length === 2 ? 'before' : 'after'
    },
  },
  'Connection.recvBytesSync() while others wait for room': {
    prepare: () => {
      const [a, b] = Pipe()
      a.sendBytesSync(new Uint8Array(HEAVY))
      return { a, b }
    },
    act: ({ b }) => assert.equal(b.recvBytesSync().length, HEAVY),
    asleep: ({ a }) => [waits(a, 0, 'send', true, ['one']), waits(a, 0, 'send', false, ['two'])],
    async verify({ b }, answer) {
      const first: any = await b.recv({ timeout: 60_000 })
      const outcome: Outcome = first.length === HEAVY ? 'before' : 'after'
      const messages = outcome === 'before' ? [] : [first]
      while (messages.length < 2) messages.push(await b.recv({ timeout: 60_000 }))
      assert.deepEqual(messages.sort(), ['one', 'two'])
      for (const n of [0, 1]) assert.equal(await answer(n), 'done')
      return outcome
    },
  },
  'Connection.sendSync() that others watch for by a descriptor': {
    prepare: () => {
      const [a, b] = Pipe()
      b.fileno()
      return { a, b }
    },
    ready: () => stock(1024),
    act: ({ a }) => a.sendSync('new'),
    async verify({ b }): Promise<Outcome> {
      const fd = b.fileno()
      const outcome = b.pollSync() ? 'after' : 'before'
      if (outcome === 'after') {
        await until(() => pollReadable([fd], 0), 60_000, 'the descriptor to be lit')
        assert.equal(b.recvSync(), 'new')
      }
      b.pollSync()
      assert.equal(pollReadable([fd], 0), false)
      return outcome
    },
  },
  'Connection.fileno(), a look, and close()': {
    traceless: true,
    prepare: () => {
      const [a, b] = Pipe()
      return { a, b }
    },
    act: ({ b }) => {
      b.fileno()
      b.pollSync()
      b.close()
    },
    verify: ({ a, b }) => {
      a.sendSync(1)
      assert.equal(b.recvSync({ timeout: 0 }), 1)
      return 'before'
    },
  },
  'Connection.close() of the last handle while others receive': closing(
    a => [waits(a, 0, 'recv', true), waits(a, 0, 'recv', false), waits(a, 0, 'poll', false, [null])],
    ['EOFError', 'EOFError', true],
    () => {},
  ),
  'Connection.close() of the last handle while another sends': closing(
    a => [waits(a, 0, 'sendBytes', true, [pattern(TEN_KB), 0, TEN_KB])],
    ['BrokenPipeError'],
    (a, b) => {
      a.sendBytesSync(new Uint8Array(HEAVY))
      b.sendSync({ lock: new Lock(), bytes: pattern(TEN_KB) })
    },
  ),
  'making, filling and closing a Pipe': {
    traceless: true,
    prepare: () => ({ lock: new Lock() }),
    ready: () => stock(128, 192, 256, 512, 768, 1024, 2048),
    act: ({ lock }) => {
      const [a, b] = Pipe()
      a.sendSync({ lock })
      b.sendSync('x')
      a.close()
      b.close()
    },
    verify: ({ lock }) => {
      lock.acquireSync({ timeout: 0 }).release()
      return 'before'
    },
  },
}

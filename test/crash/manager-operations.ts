// Operations on what stands for a manager's object in shared memory, killed at each of their accesses. No server is needed.
import assert from 'node:assert/strict'
import { Queue, SimpleQueue } from 'multiproc'
import { kindCode } from '#src/arena/references.js'
import { currentSession } from '#src/arena/session.js'
import { SHAREABLE } from '#src/contract/shareable.js'
import { makeReferent, referentKind } from '#src/manager/referent.js'
import { type Operation, stock } from './operation.js'

const IDENT = 7
const TYPE = 'dict'

interface Given {
  door: SimpleQueue<any>
  queue: Queue<any>
}

/** A proxy of an object whose server is this process, which serves nobody. */
function make(door: SimpleQueue<any>) {
  const session = currentSession()
  return makeReferent(session, { door: door[SHAREABLE]().id, server: session.me, ident: IDENT }, TYPE).face as any
}

/** The proxy is whole, and what it stands in front of is kept by it alone. */
function check(proxy: any): void {
  const session = currentSession()
  const { id } = proxy[SHAREABLE]()
  assert.equal(kindCode(session, id), referentKind.code)
  assert.deepEqual(referentKind.check(session, id, new Set()), [])
  assert.equal(String(proxy), `<DictProxy of ${TYPE} ${IDENT}>`)
}

/** What is in the queue: nothing, or one whole proxy; then nothing is left of it. */
function taken({ queue, door }: Given): boolean {
  const there = queue.qsize() > 0
  if (there) {
    const proxy = queue.getNowait()
    check(proxy)
    proxy.close()
  }
  door.putSync('still there')
  assert.equal(door.getSync(), 'still there')
  return there
}

function given(): Given {
  const made = { door: new SimpleQueue(), queue: new Queue() }
  for (const queue of [made.door, made.queue]) {
    queue.putSync('first') // it has its segment from here on: that is swept with the queues
    queue.getSync()
  }
  return made
}

function withProxy(): Given {
  const made = given()
  const proxy = make(made.door)
  made.queue.putSync(proxy)
  proxy.close()
  return made
}

export const managerOperations: Record<string, Operation> = {
  'a proxy is made, and put into a queue': {
    prepare: given,
    ready: () => stock(256, 512),
    act: ({ door, queue }: Given) => queue.putSync(make(door)),
    verify: made => (taken(made) ? 'after' : 'before'),
  },
  'a proxy is received, and closed by the only one who has it': {
    prepare: withProxy,
    act: ({ queue }: Given) => queue.getSync().close(),
    verify: made => (taken(made) ? 'before' : 'after'),
  },
  'a proxy that others have is closed': {
    traceless: true,
    prepare: () => {
      const made = given()
      return { ...made, proxy: make(made.door) }
    },
    act: ({ proxy }: Given & { proxy: any }) => proxy.close(),
    verify: ({ proxy }) => {
      check(proxy)
      proxy.close()
      return 'before'
    },
  },
  'the last proxy keeps the door, which nobody else has': {
    traceless: true,
    prepare: () => {
      const made = given()
      const proxy = make(made.door)
      made.queue.putSync(proxy)
      proxy.close()
      made.door.close()
      return { queue: made.queue }
    },
    act: ({ queue }: { queue: Queue<any> }) => {
      const proxy = queue.getSync()
      check(proxy)
      proxy.close()
    },
    verify: ({ queue }) => {
      if (queue.qsize() > 0) queue.getNowait().close()
      return 'before'
    },
  },
}

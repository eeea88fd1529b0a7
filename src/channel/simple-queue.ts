/** SimpleQueue: a Queue without options, for those who know it from Python. All it has is Queue's; only its kind is its own. */
import type { Kind } from '../arena/kinds.ts'
import { currentSession } from '../arena/session.ts'
import { Adoption } from '../arena/shared-object.ts'
import { ArgumentTypeError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import { LOG_WORDS, Log } from './log.ts'
import { Queue, queueKind } from './queue.ts'

const KIND = 16

/**
 * A Queue that has no limit and takes no options: what `multiprocessing.SimpleQueue` is in Python. Everything else is as in
 * Queue, the forms that wait and their time-outs included, which Python's does not have.
 *
 * A put never waits; at the memory's ceiling it throws OutOfSharedMemoryError.
 *
 * If a process dies: as Queue.
 *
 * @throws {ArgumentTypeError} any argument; a Queue takes a `maxsize`
 * @example
 * const queue = new SimpleQueue<string>()
 * queue.putSync('a')
 * assert.equal(queue.empty(), false)
 * assert.equal(await queue.get(), 'a')
 */
export class SimpleQueue<T = unknown> extends Queue<T> {
  constructor()
  /** @internal */
  constructor(adoption: Adoption)
  constructor(...args: unknown[]) {
    const adoption = args[0] instanceof Adoption ? args[0] : undefined
    if (adoption === undefined && args[0] !== undefined) {
      throw new ArgumentTypeError(
        `Expected no argument, got ${describe(args[0])}: a SimpleQueue has no limit; take a Queue for one that has`,
      )
    }
    super(adoption ?? currentSession().create(KIND, LOG_WORDS))
    if (adoption !== undefined) return
    Log.initialise(this.w, this.at, 0)
    this.session.publish(this)
  }
}

export const simpleQueueKind: Kind = {
  ...queueKind,
  code: KIND,
  name: 'SimpleQueue',
  open: adoption => new SimpleQueue(adoption),
}

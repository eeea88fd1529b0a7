/** The classes of the package, bound to one way of starting children. */
import { JoinableQueue } from './channel/joinable-queue.ts'
import { Pipe } from './channel/pipe.ts'
import { Queue } from './channel/queue.ts'
import { SimpleQueue } from './channel/simple-queue.ts'
import { InvalidStateError } from './contract/errors.ts'
import { BaseManager, type ManagerOptions } from './manager/base-manager.ts'
import { SyncManager, startManager } from './manager/sync-manager.ts'
import { ProcessPoolExecutor } from './pool/executor.ts'
import { Pool } from './pool/pool.ts'
import { activeChildren, cpuCount, currentProcess, freezeSupport, parentProcess } from './process/family.ts'
import { Process, START_METHOD } from './process/process.ts'
import { wantSpares } from './process/start/spares.ts'
import {
  checkStartMethod,
  getAllStartMethods,
  getStartMethod,
  type StartMethod,
  type StartMethodOptions,
} from './process/start-method.ts'
import { RawArray, SharedArray } from './shared/shared-array.ts'
import { RawValue, Value } from './shared/value.ts'
import { Barrier } from './sync/barrier.ts'
import { BoundedSemaphore } from './sync/bounded-semaphore.ts'
import { Condition } from './sync/condition.ts'
import { Event } from './sync/event.ts'
import { Lock } from './sync/lock.ts'
import { RLock } from './sync/rlock.ts'
import { Semaphore } from './sync/semaphore.ts'

/** What has nothing to do with how children are started: the same in every context. */
const same = {
  Queue,
  SimpleQueue,
  JoinableQueue,
  Pipe,
  Lock,
  RLock,
  Semaphore,
  BoundedSemaphore,
  Condition,
  Event,
  Barrier,
  Value,
  RawValue,
  SharedArray,
  RawArray,
  activeChildren,
  cpuCount,
  currentProcess,
  freezeSupport,
  getAllStartMethods,
  parentProcess,
}

/** What `getContext()` gives. Everything but `Process`, the pools and the managers is what the package exports under that name. */
export interface Context extends Readonly<typeof same> {
  readonly Process: typeof Process
  /** Their servers are started in this context's way; 'thread': by 'spawn', since a server is a process of its own. */
  readonly BaseManager: typeof BaseManager
  readonly SyncManager: typeof SyncManager
  readonly Manager: (options?: ManagerOptions) => Promise<SyncManager>
  readonly Pool: typeof Pool
  readonly ProcessPoolExecutor: typeof ProcessPoolExecutor
  /** The way of starting children that this context is bound to. */
  getStartMethod(): StartMethod
  /** A context is bound for good. @throws {InvalidStateError} always */
  setStartMethod(m: StartMethod): never
  /** Without an argument this context; with one that of the way named. */
  getContext(m?: StartMethod): Context
}

const contexts = new Map<StartMethod, Context>()

/**
 * The package's classes bound to one way of starting children, whatever setStartMethod() says before or after: a library
 * uses it so as to leave the choice for the rest of the program alone.
 *
 * `Process`, the pools and the managers of a context are subclasses of the public ones; all other classes are the very same, so objects of one context
 * may be used with any other. Every call for one way gives the same context. Without an argument it is the way in use at
 * the moment. `getContext('warm')` begins to boot spares as setStartMethod('warm') does, and keeps them.
 *
 * @param options as for setStartMethod()
 * @throws {ArgumentRangeError} {ArgumentTypeError} as setStartMethod()
 * @example
 * const context = getContext('spawn')
 * assert.equal(context.getStartMethod(), 'spawn')
 * assert.ok(context.Process.prototype instanceof Process)
 * assert.equal(context.Lock, Lock)
 */
export function getContext(m: StartMethod = getStartMethod(), options?: StartMethodOptions): Context {
  const spares = checkStartMethod(m, options)
  const made = contexts.get(m)
  if (m === 'warm' && (made === undefined || spares !== undefined)) wantSpares('context', spares)
  if (made !== undefined) return made
  const context = newContext(m)
  contexts.set(m, context)
  return context
}

function newContext(m: StartMethod): Context {
  const context: Context = Object.freeze({
    ...same,
    ...bound(m),
    getStartMethod: () => m,
    setStartMethod: (): never => {
      throw new InvalidStateError(
        `Expected a context to be left as it is, but setStartMethod() was called on that of '${m}'; take another with getContext()`,
      )
    },
    getContext: (other: StartMethod = m) => getContext(other),
  })
  return context
}

function bound(m: StartMethod) {
  const classes = {
    Process: class<A extends unknown[] = any[]> extends Process<A> {
      static override readonly [START_METHOD]: StartMethod | undefined = m
    },
    Pool: class extends Pool {
      static override readonly [START_METHOD]: StartMethod | undefined = m
    },
    ProcessPoolExecutor: class extends ProcessPoolExecutor {
      static override readonly [START_METHOD]: StartMethod | undefined = m
    },
    BaseManager: class extends BaseManager {
      static override readonly [START_METHOD]: StartMethod | undefined = m
    },
    SyncManager: class extends SyncManager {
      static override readonly [START_METHOD]: StartMethod | undefined = m
    },
  }
  const Manager = (options?: ManagerOptions) => startManager(classes.SyncManager, options)
  return { ...classes, Manager }
}

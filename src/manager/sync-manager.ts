/** SyncManager and Manager(): a manager with the types of the package. */
import { checkCount, checkOptions } from '../contract/options.ts'
import type { PoolOptions } from '../pool/pool.ts'
import type { TypeCode, ValueOf } from '../shared/type-codes.ts'
import { BaseManager, IS_PYTHONS, type ManagerOptions, OWN_TYPES } from './base-manager.ts'
import type { BarrierProxy } from './proxies/barrier-proxy.ts'
import { BaseProxy } from './proxies/base-proxy.ts'
import type { ConditionProxy } from './proxies/condition-proxy.ts'
import { type DictProxy, plainEntries } from './proxies/dict-proxy.ts'
import type { EventProxy } from './proxies/event-proxy.ts'
import type { ListProxy } from './proxies/list-proxy.ts'
import type { LockProxy, RLockProxy } from './proxies/lock-proxy.ts'
import type { NamespaceProxy } from './proxies/namespace-proxy.ts'
import { type PoolProxy, portablePoolOptions } from './proxies/pool-proxy.ts'
import type { JoinableQueueProxy, QueueProxy } from './proxies/queue-proxy.ts'
import type { SemaphoreProxy } from './proxies/semaphore-proxy.ts'
import type { SetProxy } from './proxies/set-proxy.ts'
import type { ArrayProxy, ValueProxy } from './proxies/value-proxy.ts'

/**
 * A manager with the types of the package; Manager() gives one that is started. Each method makes an object in the server, and gives
 * a proxy of it, which travels anywhere.
 *
 * Deaths, errors, and how long objects live: see BaseManager and BaseProxy.
 *
 * @example
 * await using manager = new SyncManager()
 * await manager.start()
 * const [counts, done] = await Promise.all([manager.dict<string, number>(), manager.Event()])
 * await counts.set('a', 1)
 * await done.set()
 * assert.deepEqual(await counts.copy(), new Map([['a', 1]]))
 */
export class SyncManager extends BaseManager {
  static override readonly [OWN_TYPES]: boolean = true

  dict<K = any, V = any>(
    init?: Iterable<readonly [K, V]> | Record<string, V> | DictProxy<K, V>,
  ): Promise<DictProxy<K, V>> {
    if (init === undefined) return this.create('dict')
    return this.create('dict', init instanceof BaseProxy ? init : plainEntries(init as Record<string, V>))
  }

  list<T = any>(init?: Iterable<T> | ListProxy<T>): Promise<ListProxy<T>> {
    return init === undefined ? this.create('list') : this.create('list', plainItems(init))
  }

  set<T = any>(init?: Iterable<T> | SetProxy<T>): Promise<SetProxy<T>> {
    return init === undefined ? this.create('set') : this.create('set', plainItems(init))
  }

  Namespace<T extends object = Record<string, any>>(init?: NoInfer<T>): Promise<NamespaceProxy<T>> {
    return init === undefined ? this.create('Namespace') : this.create('Namespace', { ...init })
  }

  /** `maxsize`: items that fit; 0: no limit. */
  Queue<T = any>(maxsize = 0): Promise<QueueProxy<T>> {
    return this.create('Queue', maxsize)
  }

  /** `maxDeliveries`: how often an item is given to somebody who then dies. @default 5 */
  JoinableQueue<T = any>(maxsize = 0, options?: { maxDeliveries?: number }): Promise<JoinableQueueProxy<T>> {
    const { maxDeliveries } = checkOptions('options', options, ['maxDeliveries'])
    return this.create('JoinableQueue', maxsize, ...(maxDeliveries === undefined ? [] : [maxDeliveries]))
  }

  /** Worker processes of the server's, as those of a Pool. @throws as new Pool() */
  async Pool(options?: number | PoolOptions): Promise<PoolProxy> {
    return this.create('Pool', portablePoolOptions(options))
  }

  Lock(): Promise<LockProxy> {
    return this.create('Lock')
  }

  RLock(): Promise<RLockProxy> {
    return this.create('RLock')
  }

  Semaphore(value = 1, options?: { recover?: boolean }): Promise<SemaphoreProxy> {
    return this.create('Semaphore', value, ...recoverOf(options))
  }

  BoundedSemaphore(value = 1, options?: { recover?: boolean }): Promise<SemaphoreProxy> {
    return this.create('BoundedSemaphore', value, ...recoverOf(options))
  }

  /**
   * `lock`: one of this manager; left out, a Lock of its own. (Python: an RLock. The owner of one is a process, with all of its tasks, so
   * it would not keep tasks of one process apart.)
   */
  async Condition(lock?: LockProxy): Promise<ConditionProxy> {
    if (lock !== undefined) return this.create('Condition', lock)
    if (this[IS_PYTHONS]) return this.create('Condition') // with an RLock, which there is a connection's
    const own = await this.Lock()
    try {
      return await this.create('Condition', own)
    } finally {
      own.close() // the condition has it
    }
  }

  Event(): Promise<EventProxy> {
    return this.create('Event')
  }

  /** `timeout`: of wait(), where that has none of its own, ms. */
  async Barrier(parties: number, options?: { timeout?: number }): Promise<BarrierProxy> {
    checkCount('parties', parties, 1)
    const { timeout } = checkOptions('options', options, ['timeout'])
    if (timeout === undefined) return this.create('Barrier', parties)
    return this.create('Barrier', parties, null, checkCount('timeout', timeout) / 1000)
  }

  Value<C extends TypeCode>(type: C, value: ValueOf<C>): Promise<ValueProxy<C>> {
    return this.create('Value', type, value)
  }

  Array<C extends TypeCode>(type: C, values: Iterable<ValueOf<C>>): Promise<ArrayProxy<C>> {
    return this.create('Array', type, plainItems(values))
  }
}

/** What travels of initial items. What is none is told by the server. */
function plainItems<T>(init: Iterable<T> | BaseProxy): unknown {
  if (init instanceof BaseProxy || init instanceof Set || Array.isArray(init)) return init
  const isIterable = typeof init === 'string' || (typeof init === 'object' && init !== null && Symbol.iterator in init)
  return isIterable ? [...init] : init
}

function recoverOf(options: { recover?: boolean } | undefined): unknown[] {
  const { recover } = checkOptions('options', options, ['recover'])
  return recover === undefined ? [] : [recover]
}

/**
 * Starts a manager: a server process that holds objects, which any process reaches through proxies. Resolves when it answers.
 *
 * @throws as BaseManager.start()
 * @example
 * await using manager = await Manager()
 * const list = await manager.list([1, 2])
 * assert.equal(await list.push(3), 3)
 */
export function Manager(options?: ManagerOptions): Promise<SyncManager> {
  return startManager(SyncManager, options)
}

/** One of that class, started. */
export async function startManager(Class: typeof SyncManager, options?: ManagerOptions): Promise<SyncManager> {
  const manager = new Class(options)
  await manager.start()
  return manager
}

/** SyncManager and Manager(): a manager with the types of the package. */
import { BaseManager, type ManagerOptions, OWN_TYPES } from './base-manager.ts'
import { type DictProxy, plainEntries } from './proxies/dict-proxy.ts'
import type { LockProxy, RLockProxy } from './proxies/lock-proxy.ts'

export class SyncManager extends BaseManager {
  static override readonly [OWN_TYPES]: boolean = true

  dict<K = any, V = any>(init?: Iterable<readonly [K, V]> | Record<string, V>): Promise<DictProxy<K, V>> {
    return this.create('dict', ...(init === undefined ? [] : [plainEntries(init)]))
  }

  Lock(): Promise<LockProxy> {
    return this.create('Lock')
  }

  RLock(): Promise<RLockProxy> {
    return this.create('RLock')
  }
}

export async function Manager(options?: ManagerOptions): Promise<SyncManager> {
  const manager = new SyncManager(options)
  await manager.start()
  return manager
}

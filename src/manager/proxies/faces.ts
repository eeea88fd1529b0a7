/** Which class of proxies stands for which type of object. */
import type { Remote } from '../remote.ts'
import { BarrierProxy } from './barrier-proxy.ts'
import type { BaseProxy } from './base-proxy.ts'
import { ConditionProxy } from './condition-proxy.ts'
import { DictProxy } from './dict-proxy.ts'
import { EventProxy } from './event-proxy.ts'
import { IteratorProxy } from './iterator-proxy.ts'
import { ListProxy } from './list-proxy.ts'
import { LockProxy, RLockProxy } from './lock-proxy.ts'
import { NamespaceProxy } from './namespace-proxy.ts'
import { PoolProxy } from './pool-proxy.ts'
import { JoinableQueueProxy, QueueProxy } from './queue-proxy.ts'
import { SemaphoreProxy } from './semaphore-proxy.ts'
import { SetProxy } from './set-proxy.ts'
import { userProxyClass } from './user-proxy.ts'
import { ArrayProxy, ValueProxy } from './value-proxy.ts'

type ProxyClass = new (remote: Remote) => BaseProxy

const own = new Map<string, ProxyClass>([
  ['dict', DictProxy],
  ['list', ListProxy],
  ['set', SetProxy],
  ['Namespace', NamespaceProxy],
  ['Value', ValueProxy],
  ['Array', ArrayProxy],
  ['Queue', QueueProxy],
  ['JoinableQueue', JoinableQueueProxy],
  ['Lock', LockProxy],
  ['RLock', RLockProxy],
  ['Semaphore', SemaphoreProxy],
  ['BoundedSemaphore', SemaphoreProxy],
  ['Condition', ConditionProxy],
  ['Event', EventProxy],
  ['Barrier', BarrierProxy],
  ['Iterator', IteratorProxy],
  ['Pool', PoolProxy],
])

/** The proxy that stands in front of `remote`. */
export function faceFor(remote: Remote): BaseProxy {
  const { typeid, exposed } = remote
  const known = exposed === undefined ? own.get(typeid) : undefined
  return new (known ?? userProxyClass(typeid, exposed ?? []))(remote)
}

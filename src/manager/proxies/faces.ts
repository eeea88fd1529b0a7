/** Which class of proxies stands for which type of object. */
import type { Remote } from '../remote.ts'
import type { BaseProxy } from './base-proxy.ts'
import { DictProxy } from './dict-proxy.ts'
import { LockProxy, RLockProxy } from './lock-proxy.ts'
import { userProxyClass } from './user-proxy.ts'

const own: ReadonlyMap<string, new (remote: Remote) => BaseProxy> = new Map<string, new (remote: Remote) => BaseProxy>([
  ['dict', DictProxy],
  ['Lock', LockProxy],
  ['RLock', RLockProxy],
])

/** The proxy that stands in front of `remote`. */
export function faceFor(remote: Remote): BaseProxy {
  const { typeid, exposed } = remote
  const known = exposed === undefined ? own.get(typeid) : undefined
  return new (known ?? userProxyClass(typeid, exposed ?? []))(remote)
}

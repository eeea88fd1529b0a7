/** The public API, and nothing else. */
import './handles.ts'

export { Connection } from './channel/connection.ts'
export { JoinableQueue, type JoinableQueueOptions, type Lease } from './channel/joinable-queue.ts'
export { Pipe, type PipeOptions } from './channel/pipe.ts'
export { Queue, type QueueOptions } from './channel/queue.ts'
export { SimpleQueue } from './channel/simple-queue.ts'
export { wait } from './channel/wait.ts'
export { registerClass } from './codec/register-class.ts'
export { inspect, type SessionReport } from './commons/inspect.ts'
export { share } from './commons/share.ts'
export { type Context, getContext } from './context.ts'
export * from './contract/errors.ts'
export type { SyncWaitOptions, WaitOptions } from './contract/waiting.ts'
export { BaseManager, type ManagerOptions, type RegisterOptions } from './manager/base-manager.ts'
export { BarrierProxy } from './manager/proxies/barrier-proxy.ts'
export { BaseProxy } from './manager/proxies/base-proxy.ts'
export { ConditionProxy } from './manager/proxies/condition-proxy.ts'
export { DictProxy } from './manager/proxies/dict-proxy.ts'
export { EventProxy } from './manager/proxies/event-proxy.ts'
export type { Holding } from './manager/proxies/holding.ts'
export { IteratorProxy } from './manager/proxies/iterator-proxy.ts'
export { ListProxy } from './manager/proxies/list-proxy.ts'
export { LockProxy, RLockProxy } from './manager/proxies/lock-proxy.ts'
export { NamespaceProxy } from './manager/proxies/namespace-proxy.ts'
export {
  PoolProxy,
  type PoolProxyApplyOptions,
  type PoolProxyImapOptions,
  type PoolProxyMapOptions,
} from './manager/proxies/pool-proxy.ts'
export { JoinableQueueProxy, QueueProxy } from './manager/proxies/queue-proxy.ts'
export { SemaphoreProxy } from './manager/proxies/semaphore-proxy.ts'
export { type SetOperand, SetProxy } from './manager/proxies/set-proxy.ts'
export { ArrayProxy, ValueProxy } from './manager/proxies/value-proxy.ts'
export { SharedMemoryManager } from './manager/shared-memory-manager.ts'
export { Manager, SyncManager } from './manager/sync-manager.ts'
export { ByteArray } from './pickle/byte-array.ts'
export {
  type ClockOptions,
  PreciseDate,
  PythonDate,
  PythonDatetime,
  PythonTime,
  PythonTimedelta,
} from './pickle/datetime.ts'
export { FrozenSet } from './pickle/frozen-set.ts'
export { type DumpsOptions, dumps, type LoadsOptions, loads } from './pickle/pickle.ts'
export { PyFloat } from './pickle/py-float.ts'
export { PythonError } from './pickle/python-error.ts'
export { type PythonCall, PythonGlobal, PythonObject, type PythonObjectOptions } from './pickle/python-object.ts'
export { Tuple, tuple } from './pickle/tuple.ts'
export type { AsyncResult } from './pool/async-result.ts'
export { currentTask, type Task } from './pool/current-task.ts'
export {
  type ExecutorMapOptions,
  type ExecutorOptions,
  ProcessPoolExecutor,
  type ShutdownOptions,
} from './pool/executor.ts'
export type { Histogram } from './pool/histogram.ts'
export {
  type ApplyOptions,
  type ImapOptions,
  type MapOptions,
  Pool,
  type PoolOptions,
  type PoolStats,
} from './pool/pool.ts'
export {
  activeChildren,
  cpuCount,
  currentProcess,
  freezeSupport,
  isMainProcess,
  parentProcess,
} from './process/family.ts'
export type { ProcessOptions } from './process/options.ts'
export { Process } from './process/process.ts'
export {
  getAllStartMethods,
  getStartMethod,
  type StartMethod,
  type StartMethodOptions,
  setStartMethod,
} from './process/start-method.ts'
export type { Target } from './process/target.ts'
export { ShareableList, type ShareableListOptions } from './shared/shareable-list.ts'
export { RawArray, SharedArray, type SharedArrayConstructor, type SharedArrayOptions } from './shared/shared-array.ts'
export { SharedMemory, type SharedMemoryOptions } from './shared/shared-memory.ts'
export type { TypeCode, ValueOf } from './shared/type-codes.ts'
export type { SharedArrayMethods, SharedArrayOf, SharedText } from './shared/typed-arrays.ts'
export { RawValue, Value, type ValueOptions } from './shared/value.ts'

export { Barrier, type BarrierOptions } from './sync/barrier.ts'
export { BoundedSemaphore } from './sync/bounded-semaphore.ts'
export { Condition } from './sync/condition.ts'
export { Event } from './sync/event.ts'
export type { Held } from './sync/held.ts'
export { Lock } from './sync/lock.ts'
export { RLock } from './sync/rlock.ts'
export { Semaphore, type SemaphoreOptions } from './sync/semaphore.ts'
export type { Address } from './wire/address.ts'
export { Client, type ClientOptions } from './wire/client.ts'
export { Listener, type ListenerOptions } from './wire/listener.ts'
export type { TlsOptions } from './wire/secure-stream.ts'
export type { CodecName } from './wire/wire-codec.ts'

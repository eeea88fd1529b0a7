/** The public API, and nothing else. */
import './handles.ts'

export { Connection } from './channel/connection.ts'
export { Pipe, type PipeOptions } from './channel/pipe.ts'
export { Queue, type QueueOptions } from './channel/queue.ts'
export { wait } from './channel/wait.ts'
export { registerClass } from './codec/register-class.ts'
export * from './contract/errors.ts'
export type { SyncWaitOptions, WaitOptions } from './contract/waiting.ts'
export {
  activeChildren,
  cpuCount,
  currentProcess,
  freezeSupport,
  isMainProcess,
  parentProcess,
} from './process/family.ts'
export { Process, type ProcessOptions } from './process/process.ts'
export { getAllStartMethods, getStartMethod, type StartMethod, setStartMethod } from './process/start-method.ts'
export type { Target } from './process/target.ts'
export type { TypeCode, ValueOf } from './shared/type-codes.ts'
export { Value, type ValueOptions } from './shared/value.ts'
export { Event } from './sync/event.ts'
export type { Held } from './sync/held.ts'
export { Lock } from './sync/lock.ts'
export { RLock } from './sync/rlock.ts'

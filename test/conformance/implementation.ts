// What a suite runs on: how objects are made, how children are started, and what can be seen of them from outside.
import type { TestContext } from 'node:test'
import type {
  Barrier,
  BarrierOptions,
  BoundedSemaphore,
  Condition,
  Connection,
  Event,
  JoinableQueue,
  JoinableQueueOptions,
  Lock,
  PipeOptions,
  Process,
  ProcessOptions,
  Queue,
  QueueOptions,
  RLock,
  Semaphore,
  SemaphoreOptions,
  ShareableList,
  ShareableListOptions,
  SharedArrayOptions,
  SharedMemory,
  SharedMemoryOptions,
  SimpleQueue,
  TypeCode,
  Value,
  ValueOptions,
} from 'multiproc'
import { launched } from '../support/launched.ts'

type Made<T> = T | Promise<T>

/** One way to have the objects; the suites ask for nothing else. */
export interface Implementation {
  /** Stands behind the object's name in the report. */
  readonly name: string
  queue<T = any>(options?: number | QueueOptions): Made<Queue<T>>
  joinableQueue<T = any>(options?: number | JoinableQueueOptions): Made<JoinableQueue<T>>
  simpleQueue<T = any>(): Made<SimpleQueue<T>>
  lock(): Made<Lock>
  rlock(): Made<RLock>
  event(): Made<Event>
  condition(lock?: Lock): Made<Condition>
  semaphore(value?: number, options?: SemaphoreOptions): Made<Semaphore>
  boundedSemaphore(value?: number, options?: SemaphoreOptions): Made<BoundedSemaphore>
  barrier(parties: number, options?: BarrierOptions): Made<Barrier>
  value<C extends TypeCode>(type: C, initial?: Value<C>['value'], options?: ValueOptions): Made<Value<C>>
  rawValue<C extends TypeCode>(type: C, initial?: Value<C>['value']): Made<Value<C>>
  array(type: TypeCode, sizeOrInitial: number | Iterable<any>, options?: SharedArrayOptions): Made<any>
  rawArray(type: TypeCode, sizeOrInitial: number | Iterable<any>, options?: SharedArrayOptions): Made<any>
  sharedMemory(options: SharedMemoryOptions): Made<SharedMemory>
  shareableList<T>(items: Iterable<T> | null, options?: ShareableListOptions): Made<ShareableList<T>>
  pipe<A = any, B = A>(options?: boolean | PipeOptions): Made<[Connection<A, B>, Connection<B, A>]>
  process<A extends unknown[]>(options: ProcessOptions<A>): Process<A>
  /** The child is asleep in an operation that waits. */
  isAsleep(child: Process): boolean
  /** The child was rung and has not heard it yet: it will look at what it waits for without waiting for any tick. */
  isRung(child: Process): boolean
  /** Resolves when the child stands still, until it is killed. Missing: a child cannot be stopped. */
  stop?(child: Process): Promise<void>
  /**
   * Makes the change while the children, asleep, cannot act on it or while it is watched, and says which of them were rung
   * for it: those will look at what they wait for without waiting for any tick.
   */
  rungBy(children: Process[], change: () => void): Promise<boolean[]>
  /** Where /proc tells of the child. */
  task(child: Process): string
  /** The exit code of a child that ended itself in the middle of something (die() in the fixtures). */
  readonly deathCode: number
  /** How many wait in it and were not notified. */
  waitersOf(condition: Condition): number
  /** What is impossible in the state that processes share; empty when all is well and nobody is at work. */
  impossible(): string[]
  /** Bytes in use, in steps of `memoryStep`. */
  memoryUsed(): number
  readonly memoryStep: number
  /** What nobody can reach any more is collected, and its memory is free. */
  collect(): Promise<void>
  /** No block of that name, whether there was one or not. */
  unlinkQuietly(name: string): void
}

/** A test that this implementation does not promise to pass. */
export interface Except {
  /** Its title. */
  readonly test: string
  readonly why: string
}

/** ms: no wait in these tests is longer; none depends on how long it is. */
export const LIMIT = 60_000

/** Starts a child that does not outlive the test. */
export function launch<A extends unknown[]>(
  t: TestContext,
  make: Implementation,
  target: (...args: A) => unknown,
  ...args: A
): Process<A> {
  return launched(t, make.process<A>({ target, args }))
}

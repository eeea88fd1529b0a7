// What a suite runs on: how objects are made, how children are started, and what can be seen of them from outside.
import type { TestContext } from 'node:test'
import type {
  Barrier,
  BarrierOptions,
  BoundedSemaphore,
  Event,
  Lock,
  Process,
  ProcessOptions,
  Queue,
  QueueOptions,
  RLock,
  Semaphore,
  SemaphoreOptions,
  TypeCode,
  Value,
  ValueOptions,
} from 'multiproc'

type Made<T> = T | Promise<T>

/** One way to have the objects; the suites ask for nothing else. */
export interface Implementation {
  /** Stands behind the object's name in the report. */
  readonly name: string
  queue<T = any>(options?: number | QueueOptions): Made<Queue<T>>
  lock(): Made<Lock>
  rlock(): Made<RLock>
  event(): Made<Event>
  semaphore(value?: number, options?: SemaphoreOptions): Made<Semaphore>
  boundedSemaphore(value?: number, options?: SemaphoreOptions): Made<BoundedSemaphore>
  barrier(parties: number, options?: BarrierOptions): Made<Barrier>
  value<C extends TypeCode>(type: C, initial?: Value<C>['value'], options?: ValueOptions): Made<Value<C>>
  process<A extends unknown[]>(options: ProcessOptions<A>): Process<A>
  /** The child is asleep in an operation that waits. */
  isAsleep(child: Process): boolean
  /** The child was rung and has not heard it yet: it will look at what it waits for without waiting for any tick. */
  isRung(child: Process): boolean
  /** What is impossible in the state that processes share; empty when all is well and nobody is at work. */
  impossible(): string[]
  /** Bytes in use, in steps of `memoryStep`. */
  memoryUsed(): number
  readonly memoryStep: number
}

/** A test that this implementation does not promise to pass. */
export interface Except {
  /** Its title. */
  readonly test: string
  readonly why: string
}

/** ms: no wait in these tests is longer; none depends on how long it is. */
export const LIMIT = 30_000

/** Starts a child that does not outlive the test. */
export function launch<A extends unknown[]>(
  t: TestContext,
  make: Implementation,
  target: (...args: A) => unknown,
  ...args: A
): Process<A> {
  const child = make.process<A>({ target, args })
  child.start()
  t.after(async () => {
    child.kill()
    await child.join({ timeout: LIMIT })
  })
  return child
}

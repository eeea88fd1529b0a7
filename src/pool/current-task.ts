/** The task that a worker runs at this moment, for the function that it runs. */
import { InvalidStateError, TimeoutError } from '../contract/errors.ts'

/** What a task may know of itself. */
export interface Task {
  /** Aborted when nobody wants the result any more: by the caller's signal, or a timeout. */
  readonly signal: AbortSignal
  /** The place of its item in a `map`; 0 otherwise. */
  readonly index: number
  /** 1; more, when it is run again because a worker died of it (`retries`). */
  readonly attempt: number
}

/** Why a task need not go on. */
export const ABORTED = 1
export const TIMED_OUT = 2

/** What this worker runs. One object for all tasks: most never ask. */
class Running {
  active = false
  index = 0
  attempt = 1
  /** Asks the pool; 0: it shall go on. */
  why: () => number = () => 0
  #controller: AbortController | undefined

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    this.look()
    return this.#controller.signal
  }

  /** Aborts the task if that is asked for. */
  look(): void {
    const why = this.active ? this.why() : 0
    if (why === 0 || this.#controller === undefined || this.#controller.signal.aborted) return
    this.#controller.abort(
      why === TIMED_OUT ? new TimeoutError('The task has run for longer than its timeout') : undefined,
    )
  }

  begin(index: number, attempt: number): void {
    this.active = true
    this.index = index
    this.attempt = attempt
    this.#controller = undefined
  }

  end(): void {
    this.active = false
    this.#controller = undefined
  }
}

/** @internal of the worker. */
export const running = new Running()

/**
 * The task that runs here. A worker runs one after another, so ask at the beginning, before the first `await`.
 *
 * @throws {InvalidStateError} outside of a task
 * @example
 * assert.throws(() => currentTask(), { code: 'ERR_MULTIPROC_INVALID_STATE' })
 */
export function currentTask(): Task {
  if (running.active) {
    const { signal, index, attempt } = running
    return { signal, index, attempt }
  }
  throw new InvalidStateError(
    'Expected currentTask() to be called while a task runs, but none does in this process; call it in the function that a pool runs',
  )
}

/** How long this thread has been on a core. What others do there meanwhile does not count, as it does in performance.now(). */
import { bindMore } from './libc.ts'

const CLOCK_THREAD_CPUTIME_ID = 3

type GetTime = (clock: number, into: Int32Array) => number

let clockGettime: GetTime | undefined
/** A struct timespec: seconds and nanoseconds, of 64 bits each. */
const timespec = new Int32Array(4)

/** ms, from no particular time on. */
export function threadTime(): number {
  clockGettime ??= bindMore({ clockGettime: 'int clock_gettime(int clock, void *into)' }).clockGettime as GetTime
  clockGettime(CLOCK_THREAD_CPUTIME_ID, timespec)
  return timespec[0] * 1e3 + timespec[2] / 1e6
}

// How a figure is taken: bursts that grow until one lasts its share of the time, round trips one after another.
import { now } from './messages.ts'

/** Prints one figure of the implementation that this process measures; main.ts reads it. */
export function emit(metric: string, value: number, count: number): void {
  process.stdout.write(`${JSON.stringify({ metric, value, count })}\n`)
}

/** Grows a burst (seconds for n) to about `seconds`; items per second of the last one. The first is never counted: cold code, fresh memory. */
export async function rate(
  burst: (n: number) => number | Promise<number>,
  { seconds, first, most = Number.POSITIVE_INFINITY }: { seconds: number; first: number; most?: number },
): Promise<{ rate: number; n: number }> {
  let n = Math.min(first, most)
  let spent = 0
  await burst(n)
  for (;;) {
    const took = await burst(n)
    spent += took
    if (took >= seconds / 2 || n >= most || spent > seconds * 4) return { rate: n / took, n }
    n = Math.min(most, Math.ceil(n * Math.min(16, Math.max(2, seconds / took))))
  }
}

const warmUp = 300
const mostTrips = 200_000

/** Awaited round trips for `seconds`: median and 99th percentile in µs. */
export async function roundTrips(seconds: number, once: (i: number) => Promise<void>): Promise<void> {
  for (let i = 0; i < warmUp; i++) await once(i)
  const took = new Float64Array(mostTrips)
  let last = now()
  const end = last + seconds * 1e9
  let n = 0
  while (n < mostTrips && last < end) {
    await once(n)
    const at = now()
    took[n++] = at - last
    last = at
  }
  emitTrips(took.subarray(0, n))
}

/** The same without an await between two trips. */
export function roundTripsSync(seconds: number, once: (i: number) => void): void {
  for (let i = 0; i < warmUp; i++) once(i)
  const took = new Float64Array(mostTrips)
  let last = now()
  const end = last + seconds * 1e9
  let n = 0
  while (n < mostTrips && last < end) {
    once(n)
    const at = now()
    took[n++] = at - last
    last = at
  }
  emitTrips(took.subarray(0, n))
}

function emitTrips(took: Float64Array): void {
  took.sort()
  emit('median', took[took.length >> 1] / 1e3, took.length)
  emit('99th percentile', took[Math.floor(took.length * 0.99)] / 1e3, took.length)
}

// What the workers of every JavaScript pool run.
export const noop = (i: number): number => i

const fibonacci = (n: number): number => (n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2))

/** Some milliseconds of work; gives what it took here, ms. */
export function work(n: number): number {
  const began = performance.now()
  fibonacci(n)
  return performance.now() - began
}

/** One more in the first byte of each page. */
export function mib(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 1 << 20) throw new Error(`Expected 1 MiB, got ${bytes.length}`)
  for (let i = 0; i < bytes.length; i += 4096) bytes[i]++
  return bytes
}

// Names for what outlives a process if nobody takes it away, such as a SharedMemory: they say whose they are.

/** In the environment of everything that a test run starts, with a value of its own for each run; see remains.ts. */
export const RUN = 'MULTIPROC_TEST_RUN'

let names = 0

/** A name that nobody else has, by which the run that made it finds it again. */
export const freshName = (what: string): string =>
  `${process.env[RUN] ?? 'multiproc'}-${what}-${process.pid}-${++names}`

// The tests of concurrent.futures for process pools, retold under their own names. A future is a promise here.
import type { PoolSuite } from '../pool.ts'
import { calls } from './executor-cpython/calls.ts'
import { deadlock } from './executor-cpython/deadlock.ts'
import { ends } from './executor-cpython/ends.ts'
import { futures } from './executor-cpython/futures.ts'
import { workers } from './executor-cpython/workers.ts'

export function executorFromCPython(suite: PoolSuite): void {
  for (const part of [calls, workers, deadlock, ends, futures]) part(suite)
}

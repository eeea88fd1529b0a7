/** The way a child was started, which is the way it starts its own: known to its worker threads, too. */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'
import type { StartMethod } from './start-method.ts'

const KEY = 'multiproc.start-method'

/** Before any of the user's code runs in a child. */
export function inheritMethod(method: StartMethod): void {
  setEnvironmentData(KEY, method)
}

/** Undefined in a main program. */
export function inheritedMethod(): StartMethod | undefined {
  return getEnvironmentData(KEY) as unknown as StartMethod | undefined
}

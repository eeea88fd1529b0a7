/** What a pool does, for those who observe the program: the tracing channels `tracing:multiproc:task:…` of diagnostics_channel. */
import { tracingChannel } from 'node:diagnostics_channel'
import type { Task } from './backlog.ts'

/** The message on all channels, the same object for one task: `start` and `end` when it is given, `asyncStart`, `asyncEnd` and `error` when it is settled. */
export interface TaskTrace {
  /** The name of the function. */
  readonly target: string
  /** The place of its item in a `map`; 0 otherwise. */
  readonly index: number
  result?: unknown
  error?: unknown
}

const { start, end, asyncStart, asyncEnd, error } = tracingChannel('multiproc:task')
const all = [start, end, asyncStart, asyncEnd, error]

export function traceStart(task: Task): void {
  if (!all.some(channel => channel.hasSubscribers)) return
  const target = task.job.callee.name
  task.traces = Array.from({ length: Math.max(1, task.count) }, (_, i) => ({ target, index: task.index + i }))
  for (const trace of task.traces) {
    start.publish(trace)
    end.publish(trace)
  }
}

export function traceEnd(task: Task, index: number, failed: boolean, value: unknown): void {
  const trace = task.traces?.[index - task.index]
  if (trace === undefined) return
  if (failed) {
    trace.error = value
    error.publish(trace)
  } else trace.result = value
  asyncStart.publish(trace)
  asyncEnd.publish(trace)
}

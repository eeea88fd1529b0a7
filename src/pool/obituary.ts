/** What is said of a worker that died. */
import { constants } from 'node:os'
import { WorkerDiedError } from '../contract/errors.ts'
import type { Callee } from './callees.ts'
import type { Worker } from './crew.ts'

/** `callee`, `index`: what it was running; nothing, when it died before it was ready. */
export function obituary(worker: Worker, callee: Callee | undefined, index: number | null): WorkerDiedError {
  const { process, lastWords: stderr } = worker
  const { name, pid = null, exitCode } = process
  const signal = exitCode !== null && exitCode < 0 ? signalName(-exitCode) : null
  const task =
    callee === undefined
      ? 'a worker of the pool to start'
      : `${callee.name}()${index === null ? '' : ` (task ${index})`} to finish`
  const hint = hintOf(worker, signal, stderr)
  const said = stderr === '' ? '' : `. It last wrote:\n${stderr.replaceAll(/^/gm, '  ')}`
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0 // where this is found out is of no interest; whose call it was is added
  const error = new WorkerDiedError(
    `Expected ${task}, but its worker ${name} (pid ${pid}) ${how(exitCode, signal)}${hint === '' ? '' : `; ${hint}`}${said}`,
    { exitCode, signal, pid, target: callee?.name ?? null, index, stderr },
  )
  Error.stackTraceLimit = limit
  return error
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`
}

function how(exitCode: number | null, signal: string | null): string {
  if (signal !== null) return `was ended by ${signal} (exit code ${exitCode})`
  return exitCode === null ? 'has ended, nobody knows how' : `ended with exit code ${exitCode}`
}

function hintOf(worker: Worker, signal: string | null, stderr: string): string {
  if (worker.killedFor !== undefined) return `the pool ended it, because ${worker.killedFor}`
  if (/heap out of memory|Reached heap limit/.test(stderr)) {
    return "its JavaScript heap was too small: raise it with execArgv '--max-old-space-size', or give it less at a time"
  }
  if (signal === 'SIGKILL' && worker.words?.sawOom) {
    return "probably by the kernel's OOM killer, which has ended a process meanwhile: use fewer workers, or less memory in each"
  }
  if (signal === 'SIGKILL') return 'this pool did not do it: somebody else, or the OOM killer of a container around it'
  if (worker.process.exitCode === 0) return 'something in it called process.exit(); return from the function instead'
  return ''
}

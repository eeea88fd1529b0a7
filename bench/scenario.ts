// What a bench file says of itself: implementations side by side, and what issue 2 wants of ours.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Implementation {
  /** The peer group whose best figure the ratios are against. */
  group: 'CPython' | 'fork IPC' | 'worker' | 'zeromq' | 'ioredis' | 'pools' | 'ideal' | 'ours'
  /** Prints figures with emit(), in a process of its own. */
  run?: (seconds: number) => Promise<void>
  /** Arguments of a Python peer in bench/peers. */
  python?: string[]
}

export interface Goal {
  implementation: string
  metrics: string[]
  /** At least (rates), at most (times) this many times the peer's figure. */
  times: number
  /** The best figure of this group counts, or that of this one implementation. */
  peer:
    | 'CPython'
    | 'fork IPC'
    | 'worker'
    | 'zeromq'
    | 'ioredis'
    | 'pools'
    | 'ideal'
    | 'multiproc, spawn'
    | 'multiproc, chunks of one'
}

export interface Scenario {
  name: string
  title: string
  unit: string
  /** Rates are better high, times are better low. */
  better: 'high' | 'low'
  /** Of one implementation in one round. */
  seconds: number
  metrics: string[]
  implementations: Record<string, Implementation>
  goals: Goal[]
}

/** bench/ of the checkout; compiled, this file lies in build/bench. */
export const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../bench')

export const python = process.env.PYTHON ?? 'python3'

/** Runs a Python peer in this process's place; its lines are figures already. */
export function runPython(args: string[], seconds: number): Promise<void> {
  const [script, ...rest] = args
  const child = spawn(python, [path.join(folder, 'peers', script), ...rest, String(seconds)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }, // else __pycache__ in the checkout
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${script} ended with ${code ?? signal}`)),
    )
  })
}

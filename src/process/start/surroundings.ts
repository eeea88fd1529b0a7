/**
 * What a child finds around it: what can be changed in a process that runs already, and what is settled when it boots.
 */
import { accessSync, constants } from 'node:fs'
import { resolve } from 'node:path'
import { inheritance } from '../../os/inheritance.ts'
import type { StartPlan } from '../start-method.ts'
import { inheritedExecArgv } from './exec-argv.ts'

/** Read by Node, libuv, the C library, OpenSSL or ICU while they boot. */
const READ_AT_BOOT = /^(?:NODE_|UV_|LD_|GLIBC_|MALLOC_|MIMALLOC_|OPENSSL_|SSL_|ICU_|LC_|LANG$|LANGUAGE$)/

export interface Surroundings {
  /** To be compared: two processes with the same text here differ in nothing that cannot be changed. */
  readonly fixed: string
  readonly env: Readonly<Record<string, string>>
  /** Undefined: nowhere that a process can go to. */
  readonly cwd: string | undefined
}

/** Those of a child; without a plan, those of any child that asks for nothing in particular. */
export function surroundings(plan?: StartPlan): Surroundings {
  const env = cleaned(plan?.env ?? process.env)
  const booted = Object.keys(env)
    .filter(name => READ_AT_BOOT.test(name))
    .sort()
    .map(name => [name, env[name]])
  const fixed = JSON.stringify([process.execPath, plan?.execArgv ?? inheritedExecArgv(), booted, inheritance()])
  return { fixed, env, cwd: reachable(plan?.cwd ?? '') }
}

/** A process can be started with such an environment. */
export function isPossible(env: Surroundings['env']): boolean {
  return Object.entries(env).every(([name, value]) => name !== '' && !/[=\0]/.test(name) && !value.includes('\0'))
}

function reachable(given: string): string | undefined {
  try {
    const cwd = resolve(given)
    accessSync(`${cwd}/.`, constants.X_OK)
    return cwd
  } catch {
    return undefined // also when this process's own was removed
  }
}

/** As child_process takes it: inherited properties count, undefined does not, all else is text. */
function cleaned(env: NodeJS.ProcessEnv): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const name in env) {
    const value: unknown = env[name]
    if (value !== undefined) texts[name] = `${value}`
  }
  return texts
}

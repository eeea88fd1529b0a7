// Programs that nobody in the test has started but by their source: they meet it through share() alone.
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { inspect } from 'multiproc'
import { type Child, type ChildOptions, start, until } from '../../support/children.ts'
import { LIMIT } from '../implementation.ts'

/** A name that no other test uses. */
export const fresh = (): string => randomUUID()

const PRELUDE = "import { Event, inspect, Lock, Process, Queue, RLock, share, Value } from 'multiproc'\n"

/** Starts a program that does not outlive the test; `values` are constants in it. */
export function program(
  t: TestContext,
  source: string,
  values: Record<string, unknown> = {},
  options: ChildOptions = {},
): Child {
  const constants = Object.entries(values).map(([name, value]) => `const ${name} = ${JSON.stringify(value)}\n`)
  const text = `${PRELUDE}${constants.join('')}${source}`
  const child = start([process.execPath, '--input-type=module', '--eval', text], { deadline: LIMIT, ...options })
  t.after(() => child.end())
  return child
}

/** Its output, once it has ended as it should. */
export async function output(child: Child): Promise<string> {
  const { code, stdout, stderr, late } = await child.ended
  if (code !== 0) throw new Error(`exit code ${code}${late ? ', at its deadline' : ''}: ${stdout}${stderr}`)
  return stdout.trim()
}

/** Resolves when the process with this pid sleeps until something happens to what has this name. */
export async function waitsFor(pid: number, name: string): Promise<void> {
  const waits = () => inspect().objects.some(object => object.name === name && object.waiters.includes(pid))
  await until(waits, LIMIT, `process ${pid} to wait for ${name}`)
}

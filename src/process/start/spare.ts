/**
 * What a spare process does until it is taken: get ready all that does not depend on whose child it will be, say so, and
 * wait for its order, asleep. When the line is closed instead, its parent has ended, or does not need it any more, and it
 * ends. The kernel is not asked to kill it with its parent: it may have its order, and be a child that shall go on.
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { decode, encode } from '../../codec/codec.ts'
import { setCloseOnExec } from '../../os/descriptor.ts'

/** What stands in the place of a child's name on the command line of a spare. */
export const SPARE_NAME = 'spare'
/** The spare's end of its line. */
export const LINE_FD = 4

/** The one line from parent to spare: its name, and the three numbers that others find on their command line. */
export type Order = readonly [name: string, token: number, toldAt: number, argsAt: number]

/** Resolves with the order. */
export async function waitForOrder(): Promise<Order> {
  setCloseOnExec(LINE_FD)
  await import('../../index.ts')
  rehearse()
  try {
    writeSync(LINE_FD, 'ready')
  } catch {
    // the order was sent before, or there will be none: the line says which
  }
  const line = new Socket({ fd: LINE_FD, readable: true, writable: false })
  line.setEncoding('utf8')
  let text = ''
  return new Promise(resolve => {
    line.on('data', piece => {
      text += piece
      if (!text.endsWith('\n')) return
      line.destroy()
      resolve(JSON.parse(text))
    })
    line.on('error', () => process.exit())
    line.on('end', () => process.exit())
  })
}

/** What ran once is compiled. */
function rehearse(): void {
  const told = { env: { ...process.env }, list: [1, null, true], bytes: new Uint8Array(32) }
  const message = encode(told)
  const bytes = new Uint8Array(message.byteLength)
  message.writeTo(bytes)
  decode(bytes, message.headLength, [])
}

/** The environment of the child that it has become, in the place of its own. */
export function moveInto(env: Readonly<Record<string, string>>, cwd: string): void {
  for (const name of Object.keys(process.env)) if (!Object.hasOwn(env, name)) delete process.env[name]
  for (const [name, value] of Object.entries(env)) if (process.env[name] !== value) process.env[name] = value
  process.chdir(cwd)
}

/** On its command line, for `ps`. The short name of its program, which Node changes with it, stays as it was. */
export function showName(name: string): void {
  const short = '/proc/self/comm'
  const program = readFileSync(short, 'utf8').trimEnd()
  process.title = `${process.title} ${name}`
  writeFileSync(short, program)
}

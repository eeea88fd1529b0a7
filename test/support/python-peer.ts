// A Python on the other side, for tests that ask it for one thing after another.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { Connection } from 'multiproc'
import { checkout } from './children.ts'
import type { Python } from './pythons.ts'

/** A Python that does one thing after another; it is told through a socketpair. */
export class Peer {
  readonly process: ChildProcess
  readonly control: Connection
  readonly #ended: Promise<unknown>
  readonly #limit: number

  /** `script`: in test/python. `pipes`: how many it gets, from descriptor 3 on; the first is for what it is told. `limit`: ms of each wait. */
  constructor({ executable }: Python, script: string, pipes: number, limit: number) {
    this.#limit = limit
    this.process = spawn(executable, [path.join(checkout, 'test/python', script)], {
      stdio: ['ignore', 'inherit', 'inherit', ...Array<'pipe'>(pipes).fill('pipe')],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    })
    this.#ended = once(this.process, 'exit')
    this.control = Connection.fromFd(this.process.stdio[3]!)
  }

  async ask(name: string, ...args: unknown[]): Promise<any> {
    await this.control.sendBytes(Buffer.from(JSON.stringify([name, args])), 0, undefined, { timeout: this.#limit })
    const bytes = await this.control.recvBytes(undefined, { timeout: this.#limit })
    const { value, error } = JSON.parse(Buffer.from(bytes).toString())
    if (error !== undefined) throw new Error(error)
    return value
  }

  /** Tells how it ended: [code, signal]. */
  async end(): Promise<unknown> {
    this.control.close()
    const timer = setTimeout(() => this.process.kill('SIGKILL'), this.#limit)
    const how = await this.#ended
    clearTimeout(timer)
    return how
  }
}

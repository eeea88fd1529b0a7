// The children that the sweep kills, as it sees them: copies of a mother, or, where booting is part of it, processes of their own.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Process, type ProcessOptions } from 'multiproc'
import { participants } from '#src/arena/participants.js'
import { currentSession } from '#src/arena/session.js'
import { pollReadable } from '#src/os/poll.js'
import type { Told } from './mother.js'
import { callUnderstudy, invite, understudy } from './understudy.js'

/** ms: longer than a process takes to boot, however busy the machine. */
const LIMIT = 60_000

export interface Actor {
  /** Undefined until it has started. */
  readonly pid: number | undefined
  /** Negative when a signal ended it; undefined until it has ended. */
  readonly exitCode: number | undefined
  readonly stderr: string
  /** At the latest when it has started. */
  kill(): void
}

/** A fresh process, which joins on its way to its target. */
export class FreshActor implements Actor {
  readonly #process: Process
  stderr = ''

  constructor(options: ProcessOptions<any>) {
    this.#process = new Process({ stdio: 'pipe', ...options })
    this.#process.start()
    this.#process.stdout?.resume()
    this.#process.stderr?.on('data', text => (this.stderr += text))
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get exitCode(): number | undefined {
    return this.#process.exitCode ?? undefined
  }

  kill(): void {
    this.#process.kill()
  }
}

const PROGRAM = fileURLToPath(new URL('./mother.js', import.meta.url))

/** In V8 of Node 26 the collector of young objects rings its helpers even so, whom no copy has: there is room not to need it. */
const OPTIONS = ['--conditions=crash', '--single-threaded', '--min-semi-space-size=64', '--max-semi-space-size=64']

/** One child at a time. */
class Mother {
  readonly #process: ChildProcess
  readonly #line: Socket
  current: CopiedActor | undefined

  constructor() {
    this.#process = spawn(process.execPath, [...OPTIONS, PROGRAM, String(process.pid)], {
      stdio: ['ignore', 'ignore', 'pipe', currentSession().fd, 'pipe'],
    })
    this.#line = this.#process.stdio[4] as Socket
    this.#line.setEncoding('latin1')
    let text = ''
    this.#line.on('data', piece => {
      const lines = (text + piece).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) this.#heard(line)
    })
    this.#line.on('error', () => {})
    this.#process.stderr?.on('data', said => {
      if (this.current) this.current.stderr += said
    })
    this.#process.on('exit', () => this.current?.end('0'))
  }

  #heard(line: string): void {
    const [what, number] = line.split(' ')
    if (what === 'started') this.current?.start(Number(number))
    else if (what === 'ended') {
      const actor = this.current
      this.current = undefined
      actor?.end(number)
    }
  }

  /** Waits for nothing: the order is read when she has booted. */
  bear(actor: CopiedActor, told: Told, understudy: boolean): void {
    this.current = actor
    const order = invite('a child of the sweep', told)
    actor.token = order.token
    this.#line.write(`${JSON.stringify({ ...order, understudy })}\n`)
  }

  end(): void {
    this.#process.kill('SIGKILL')
    this.#line.destroy()
  }
}

const mothers: Mother[] = []

/** No more children. */
export function endMothers(): void {
  for (const mother of mothers.splice(0)) mother.end()
}

/** A copy of a mother. */
export class CopiedActor implements Actor {
  pid: number | undefined
  exitCode: number | undefined
  stderr = ''
  token = 0
  #doomed = false

  constructor(told: Told, understudy: boolean) {
    let mother = mothers.find(({ current }) => current === undefined)
    if (mother === undefined) {
      mother = new Mother()
      mothers.push(mother)
    }
    mother.bear(this, told, understudy)
  }

  start(pid: number): void {
    this.pid = pid
    if (this.#doomed) this.kill()
  }

  end(how: string): void {
    this.exitCode = Number.parseInt(how, 10)
    currentSession().childEnded(this.token)
  }

  kill(): void {
    this.#doomed = true
    if (this.pid !== undefined && this.exitCode === undefined) process.kill(this.pid, 'SIGKILL')
  }
}

/**
 * Plays the part to its end, in a process that is gone and recovered when this returns, by us or by somebody else. Waits by
 * looking: the event loop does not turn.
 */
export function playFirst(told: Told): void {
  const session = currentSession()
  const token = understudy.pid > 0 ? callUnderstudy(told).token : new CopiedActor(told, false).token
  const deadline = performance.now() + LIMIT
  while (participants(session.w).some(one => one.token === token)) {
    if (performance.now() > deadline) throw new Error(`waited ${LIMIT} ms in vain for the end of ${told.part}`)
    pollReadable([], 1)
    session.lookForDead()
  }
}

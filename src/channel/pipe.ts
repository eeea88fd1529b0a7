/** Pipe(): two Connections that lead to each other. */
import { ArgumentTypeError } from '../contract/errors.ts'
import { checkFlag, checkOptions, describe } from '../contract/options.ts'
import type { Connection } from './connection.ts'
import { makePipe } from './pipe-end.ts'

export interface PipeOptions {
  /** Both ends send and receive (default); false: the first only receives, the second only sends. */
  duplex?: boolean
}

/**
 * Makes a pipe, and gives its two ends. What is sent into one is received from the other, whole and in order; give one to
 * another process as an argument or in a message, and close what you do not use.
 *
 * A pipe ends when nobody holds the other end any more: when every handle on it was closed or collected, or its processes
 * ended, in any way. So a process that keeps both ends open will never see the end.
 *
 * @param options `duplex`: false makes a pipe of one direction; the flag alone may be given, as in Python
 * @throws {ArgumentTypeError} for other options · {OutOfSharedMemoryError}
 * @example
 * const [a, b] = Pipe<string>()
 * a.sendSync('ping')
 * assert.equal(b.recvSync(), 'ping')
 * await b.send('pong')
 * assert.equal(await a.recv(), 'pong')
 * b.close()
 * await assert.rejects(a.recv(), EOFError)
 * await assert.rejects(a.send('anybody?'), BrokenPipeError)
 */
export function Pipe<A = unknown, B = A>(options?: boolean | PipeOptions): [Connection<A, B>, Connection<B, A>] {
  return makePipe(checkDuplex(options))
}

function checkDuplex(options: boolean | PipeOptions | undefined): boolean {
  if (typeof options === 'boolean') return options
  if (options !== undefined && (typeof options !== 'object' || options === null)) {
    throw new ArgumentTypeError(`Expected \`options\` to be true, false or { duplex }, got ${describe(options)}`)
  }
  return checkFlag('duplex', checkOptions('options', options, ['duplex']).duplex, true)
}

/** Arguments whose memory the caller gives away. */
import { remaker } from '../codec/binary.ts'
import { ArgumentTypeError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import { isShareable } from '../contract/shareable.ts'

export function checkTransfer(transfer: unknown): ArrayBuffer[] {
  if (transfer === undefined) return []
  if (!Array.isArray(transfer) || !transfer.every(one => one instanceof ArrayBuffer)) {
    throw new ArgumentTypeError(`Expected \`transfer\` to be an array of ArrayBuffers, got ${describe(transfer)}`)
  }
  if (new Set(transfer).size < transfer.length) {
    throw new ArgumentTypeError('Expected `transfer` to name each ArrayBuffer once, but one of them comes twice')
  }
  for (const buffer of transfer) assertThere(buffer)
  return transfer
}

function assertThere(buffer: ArrayBuffer): void {
  try {
    new Uint8Array(buffer)
  } catch (cause) {
    throw new ArgumentTypeError('Expected `transfer` to name buffers, but one of them was given away before', { cause })
  }
}

/**
 * Takes the buffers away from the caller: those given back have their memory. Throws, and nothing has changed. Node 20 copies what
 * it cannot take away (memory of a pool, or shared memory).
 */
export function takeAway(transfer: ArrayBuffer[]): ArrayBuffer[] {
  try {
    return structuredClone(transfer, { transfer })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ArgumentTypeError(
      `Expected \`transfer\` to name buffers that can be given away (${why}); leave the others out`,
      { cause },
    )
  }
}

const isScalar = (arg: unknown): boolean => arg === null || !['object', 'function', 'symbol'].includes(typeof arg)

/** The buffer that an argument is, or that it is a view of. */
const bufferOf = (arg: unknown): ArrayBuffer => (ArrayBuffer.isView(arg) ? arg.buffer : arg) as ArrayBuffer

/** Nothing that the caller still has can change them: they are scalars, and what is given away. */
export function areGivenAway(args: readonly unknown[], transfer: readonly ArrayBuffer[]): boolean {
  return args.every(arg => isScalar(arg) || (!isShareable(arg as object) && transfer.includes(bufferOf(arg))))
}

/** Takes them away; gives the same arguments over that memory. Throws, and nothing has changed. */
export function takeArguments(args: readonly unknown[], transfer: ArrayBuffer[]): unknown[] {
  const remakers = args.map(arg => {
    if (isScalar(arg)) return () => arg
    const remake = ArrayBuffer.isView(arg) ? remaker(arg) : (buffer: ArrayBuffer) => buffer
    const place = transfer.indexOf(bufferOf(arg))
    return (moved: ArrayBuffer[]) => remake(moved[place])
  })
  const moved = takeAway(transfer)
  return remakers.map(remake => remake(moved))
}

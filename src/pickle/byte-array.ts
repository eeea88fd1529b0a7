/**
 * Bytes that Python gets as a bytearray, and what a bytearray arrives as. Any other Uint8Array, a Buffer too, is `bytes`.
 *
 * It is a Uint8Array in every way; what `map`, `filter`, `slice` or `subarray` make of it is an ordinary one.
 *
 * @example
 * const back = loads(dumps(ByteArray.of(1, 2, 3)))
 * assert.ok(back instanceof ByteArray)
 * assert.equal(back[2], 3)
 */
export class ByteArray extends Uint8Array {
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array
  }
}

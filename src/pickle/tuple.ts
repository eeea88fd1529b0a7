/** Python's tuple: an array that goes back as a tuple. */

/**
 * An array that Python gets as a tuple, and what a tuple arrives as.
 *
 * It is an Array in every way; what `map`, `filter` or `slice` make of it is an ordinary one. Make it with `tuple()`:
 * `new Tuple(3)` is, as with Array, three empty places.
 *
 * @example
 * const pair = loads(dumps(tuple('a', 1))) as Tuple
 * assert.ok(pair instanceof Tuple && Array.isArray(pair))
 * assert.deepEqual([...pair], ['a', 1])
 */
export class Tuple<T = unknown> extends Array<T> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array
  }
}

/** Makes a tuple of this very array: quicker than to construct one. */
export function asTuple<T>(items: T[]): Tuple<T> {
  return Object.setPrototypeOf(items, Tuple.prototype)
}

/**
 * Makes a tuple of its arguments.
 *
 * Python tells tuples from lists: only a tuple can be the key of a dict, an item of a set, or an address.
 *
 * @example
 * const seen = new Map([[tuple(1, 2), 'there']])
 * assert.equal(dumps(seen)[0], 0x80) // as a list it would be refused: Python cannot hash lists
 */
export function tuple<T extends unknown[]>(...items: T): Tuple<T[number]> & T {
  return asTuple(items) as Tuple<T[number]> & T
}

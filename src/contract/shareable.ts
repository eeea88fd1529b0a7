/** How an object that lives outside the value it is found in (a queue, a lock, a connection) says how it travels. */

/** The method by which an object answers "how do you travel?". */
export const SHAREABLE: unique symbol = Symbol.for('multiproc.shareable')

/** An object that travels as a reference: the receiver gets a handle on the same object, not a copy. */
export interface Shareable {
  /** `where`: names the object in the value it was found in, for an error that says so. */
  [SHAREABLE](where?: () => string): ShareRef
}

/** What travels in the object's place; only the layer that made the number can find the object again. */
export interface ShareRef {
  readonly id: number
  /** In which memory the number means something. */
  readonly home: object
}

export function isShareable(value: object): value is Shareable {
  return typeof (value as Partial<Shareable>)[SHAREABLE] === 'function'
}

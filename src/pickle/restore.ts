/**
 * Puts what a program makes of a PythonObject in its place.
 *
 * After the value is complete, from the inside out: whoever restores an object sees its arguments restored, and its state,
 * which a pickle gives an object only after it was put where it belongs.
 */
import { PythonError } from './python-error.ts'
import { PythonObject } from './python-object.ts'

export type Restore = (object: PythonObject) => unknown

export function restoreAll(value: unknown, restore: Restore): unknown {
  return new Restorer(restore).of(value)
}

class Restorer {
  readonly #restore: Restore
  /** What is restored, or being restored: that one stands for itself where it leads back to itself. */
  readonly #done = new Map<object, unknown>()

  constructor(restore: Restore) {
    this.#restore = restore
  }

  of(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    const known = this.#done.get(value)
    if (known !== undefined) return known
    this.#done.set(value, value)
    if (Array.isArray(value)) this.#array(value)
    else if (value instanceof Map) this.#map(value)
    else if (value instanceof Set) this.#set(value)
    else if (value instanceof PythonError) {
      this.#array(value.args)
      value.state = this.of(value.state)
    } else if (value instanceof PythonObject) return this.#object(value)
    return value
  }

  #object(object: PythonObject): unknown {
    object.args = this.of(object.args) as unknown[]
    for (const part of ['kwargs', 'items', 'entries', 'state'] as const)
      if (object[part] !== undefined) (object as any)[part] = this.of(object[part])
    if (object.callable !== undefined) {
      const callable = this.of(object.callable)
      if (callable instanceof PythonObject) object.callable = callable
    }
    const made = this.#restore(object)
    const restored = made === undefined ? object : made
    this.#done.set(object, restored)
    return restored
  }

  #array(array: unknown[]): void {
    for (let i = 0; i < array.length; i++) {
      const item = array[i]
      if (typeof item === 'object' && item !== null) array[i] = this.of(item)
    }
  }

  #map(map: Map<unknown, unknown>): void {
    const entries = [...map]
    map.clear()
    for (const [key, value] of entries) map.set(this.of(key), this.of(value))
  }

  #set(set: Set<unknown>): void {
    const items = [...set]
    set.clear()
    for (const item of items) set.add(this.of(item))
  }
}

/** How deep a value is nested: what is too deep would overflow the stack of whoever walks through it. */
import { PythonError } from './python-error.ts'
import { PythonObject } from './python-object.ts'

/** What lies directly in a container; nothing in what is none. */
export function partsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value) || value instanceof Set) return value
  if (value instanceof Map) return partsOfMap(value)
  if (value instanceof PythonObject) return partsOfObject(value)
  return value instanceof PythonError ? [value.args, value.state] : []
}

function* partsOfMap(map: ReadonlyMap<unknown, unknown>): Iterable<unknown> {
  for (const [key, value] of map) {
    yield key
    yield value
  }
}

function* partsOfObject({ args, kwargs, callable, items, entries, state }: PythonObject): Iterable<unknown> {
  yield* [args, callable, state]
  yield* [kwargs, items, entries]
}

/** Whether a value is nested no deeper than `most`. `shared`: a container may be in it more than once, or in itself. */
export function isWithinDepth(value: unknown, most: number, shared: boolean): boolean {
  if (typeof value !== 'object' || value === null) return true
  return shared ? heightOf(value, most, new Map()) <= most : isTreeWithin(value, most)
}

function isTreeWithin(value: object, left: number): boolean {
  if (left === 0) return false
  for (const part of partsOf(value))
    if (typeof part === 'object' && part !== null && !isTreeWithin(part, left - 1)) return false
  return true
}

/** Levels of containers, of which one in itself counts once; Infinity as soon as there are more than `left`. */
function heightOf(value: object, left: number, heights: Map<object, number>): number {
  const known = heights.get(value)
  if (known !== undefined) return known
  if (left === 0) return Infinity
  heights.set(value, 0)
  let height = 0
  for (const part of partsOf(value)) {
    if (typeof part !== 'object' || part === null) continue
    height = Math.max(height, heightOf(part, left - 1, heights))
    if (height > left - 1) return Infinity
  }
  heights.set(value, height + 1)
  return height + 1
}

/** Whether that is what the engine throws where the stack ends. */
export function isOutOfStack(thrown: unknown): boolean {
  return thrown instanceof RangeError && /call stack/.test(thrown.message)
}

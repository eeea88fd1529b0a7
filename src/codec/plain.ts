/**
 * Whether a value needs nothing but msgpackr: numbers, strings, booleans, null, undefined, bigints, and plain objects and
 * arrays of those, each met once. Most values are of this kind, so this look at them takes no memory.
 *
 * It may be wrong to say no, and then costs time; never to say yes. What it reads msgpackr reads again: an object that
 * comes out of a getter as another one each time is a no. Whatever reading throws is thrown on.
 */
import { SHAREABLE, type Shareable } from '../contract/shareable.ts'
import { Seen } from './seen.ts'
import { isPlainKey, isPlainText, MAX_DEPTH } from './special.ts'

const usual = new Seen()
let busy = false

export function isPlain(value: unknown): boolean {
  if (typeof value !== 'object') return isPlainPart(value, usual, 0)
  // a getter may encode something itself, while the objects met so far are still needed
  if (busy) return isPlainPart(value, new Seen(), 0)
  busy = true
  try {
    return isPlainPart(value, usual, 0)
  } finally {
    usual.clear()
    busy = false
  }
}

function isPlainPart(value: unknown, seen: Seen, depth: number): boolean {
  switch (typeof value) {
    case 'number':
      return value !== 0 || 1 / value > 0
    case 'string':
      return isPlainText(value)
    case 'object':
      return value === null || isPlainObject(value, seen, depth)
    case 'symbol':
    case 'function':
      return false
    default:
      return true
  }
}

function isPlainObject(value: object, seen: Seen, depth: number): boolean {
  if (depth >= MAX_DEPTH || seen.meet(value) >= 0) return false
  const proto = Object.getPrototypeOf(value)
  if (proto === Array.prototype) return isPlainArray(value, seen, depth)
  // msgpackr goes by `constructor`
  if (proto !== Object.prototype || value.constructor !== Object) return false
  if ((value as Partial<Shareable>)[SHAREABLE] !== undefined) return false
  for (const key in value) {
    if (!isPlainKey(key)) return false
    const item = (value as any)[key]
    if (!isPlainPart(item, seen, depth + 1)) return false
    if (typeof item === 'object' && item !== (value as any)[key]) return false
  }
  return true
}

function isPlainArray(value: object, seen: Seen, depth: number): boolean {
  if (!Array.isArray(value) || value.constructor !== Array) return false
  const length = value.length
  for (let i = 0; i < length; i++) {
    const item = value[i]
    if (!isPlainPart(item, seen, depth + 1)) return false
    if (typeof item === 'object' && item !== value[i]) return false
  }
  return true
}

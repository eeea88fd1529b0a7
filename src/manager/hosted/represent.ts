/** A value as Python's repr() prints it. */
import { ByteArray } from '../../pickle/byte-array.ts'
import { FrozenSet } from '../../pickle/frozen-set.ts'
import { PyFloat } from '../../pickle/py-float.ts'
import { PythonError } from '../../pickle/python-error.ts'
import { PythonObject } from '../../pickle/python-object.ts'
import { Tuple } from '../../pickle/tuple.ts'
import { Effort } from './effort.ts'
import { entriesOf, typeName } from './kinds-of-value.ts'

const DEEPEST = 100
/** As many values as are printed. */
const MOST = 2 ** 20

/** @throws {PythonError} MemoryError */
export function represent(value: unknown): string {
  return inside(value, [], new Effort(MOST))
}

/** `around`: what the value lies in, outermost first. */
function inside(value: unknown, around: readonly object[], effort: Effort): string {
  effort.spend()
  switch (typeof value) {
    case 'undefined':
      return 'None'
    case 'boolean':
      return value ? 'True' : 'False'
    case 'number':
      return number(value)
    case 'string':
      return quoted(value)
    case 'object':
      return value === null ? 'None' : object(value, around, effort)
    default:
      return String(value)
  }
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Object.is(value, -0)) return '-0.0'
  // a whole number is an int in Python, which is written out
  if (Number.isInteger(value)) return Math.abs(value) < 1e21 ? String(value) : String(BigInt(value))
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2')
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let out = quote
  for (const unit of text) out += escaped(unit, quote)
  return out + quote
}

function escaped(unit: string, quote: string): string {
  if (unit === quote || unit === '\\') return `\\${unit}`
  if (unit === '\n') return '\\n'
  if (unit === '\r') return '\\r'
  if (unit === '\t') return '\\t'
  const code = unit.codePointAt(0) as number
  if (code < 0x20 || (code >= 0x7f && code < 0xa1) || code === 0xad) return `\\x${code.toString(16).padStart(2, '0')}`
  return code >= 0xd800 && code < 0xe000 ? `\\u${code.toString(16)}` : unit
}

function object(value: object, around: readonly object[], effort: Effort): string {
  if (around.length > DEEPEST || around.includes(value)) return Array.isArray(value) ? '[...]' : '{...}'
  const path = [...around, value]
  const print = (item: unknown) => inside(item, path, effort)
  const all = (items: Iterable<unknown>) => Array.from(items, print).join(', ')
  if (value instanceof Tuple) return value.length === 1 ? `(${all(value)},)` : `(${all(value)})`
  if (Array.isArray(value)) return `[${all(value)}]`
  if (value instanceof Set) {
    const items = `{${all(value)}}`
    if (value instanceof FrozenSet) return value.size === 0 ? 'frozenset()' : `frozenset(${items})`
    return value.size === 0 ? 'set()' : items
  }
  if (value instanceof PyFloat) return Number.isInteger(value.value) ? `${value.value}.0` : number(value.value)
  if (value instanceof Uint8Array) {
    const text = Array.from(value, byte =>
      byte < 0x80 ? escaped(String.fromCharCode(byte), "'") : `\\x${byte.toString(16)}`,
    )
    const bytes = `b'${text.join('')}'`
    return value instanceof ByteArray ? `bytearray(${bytes})` : bytes
  }
  if (value instanceof PythonObject) return `${value.name}(${all(value.args)})`
  if (value instanceof PythonError) return `${value.pythonName}(${all(value.args)})`
  const entries = entriesOf(value)
  if (entries === undefined) return `<${typeName(value)}>`
  const parts = Array.from(entries, ([key, item]) => `${print(key)}: ${print(item)}`)
  return `{${parts.join(', ')}}`
}

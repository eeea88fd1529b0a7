/** A value as Python's repr() prints it. */
import { entriesOf, typeName } from './kinds-of-value.ts'
import { PythonError, PythonObject, Tuple } from './python-values.ts'

const DEEPEST = 100

export function represent(value: unknown, depth = 0): string {
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
      return value === null ? 'None' : object(value, depth + 1)
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

function object(value: object, depth: number): string {
  if (depth > DEEPEST) return '...'
  const all = (items: Iterable<unknown>) => Array.from(items, item => represent(item, depth)).join(', ')
  if (value instanceof Tuple) return value.length === 1 ? `(${all(value)},)` : `(${all(value)})`
  if (Array.isArray(value)) return `[${all(value)}]`
  if (value instanceof Set) return value.size === 0 ? 'set()' : `{${all(value)}}`
  if (value instanceof Uint8Array) {
    const text = Array.from(value, byte =>
      byte < 0x80 ? escaped(String.fromCharCode(byte), "'") : `\\x${byte.toString(16)}`,
    )
    return `b'${text.join('')}'`
  }
  if (value instanceof PythonObject) return `${value.name}(${all(value.args)})`
  if (value instanceof PythonError) return `${value.pythonName}(${all(value.args)})`
  const entries = entriesOf(value)
  if (entries === undefined) return `<${typeName(value)}>`
  const parts = Array.from(entries, ([key, item]) => `${represent(key, depth)}: ${represent(item, depth)}`)
  return `{${parts.join(', ')}}`
}

/**
 * What is made of `module.name(*args)`: a value for the few names that plain data needs, and undefined for all others.
 *
 * This table is all there is. A name is never looked up anywhere else, and nothing of Python is ever run.
 */
import { ByteArray } from './byte-array.ts'
import { readDatetime } from './datetime-bytes.ts'
import { readException } from './exceptions.ts'
import { FrozenSet } from './frozen-set.ts'
import { PythonGlobal, PythonObject } from './python-object.ts'
import type { Tuple } from './tuple.ts'
import { readArray, readArrayOfFormat } from './typed-arrays.ts'

type Make = (args: Tuple) => unknown

const isList = (value: unknown): value is unknown[] => Array.isArray(value)
const is = (value: unknown, module: string, name: string) =>
  value instanceof PythonGlobal && value.module === module && value.name === name

const table = new Map<string, Make>([
  ['builtins set', ([items = [], ...more]) => (isList(items) && more.length === 0 ? new Set(items) : undefined)],
  [
    'builtins frozenset',
    ([items = [], ...more]) => (isList(items) && more.length === 0 ? new FrozenSet(items) : undefined),
  ],
  ['builtins list', ([items = [], ...more]) => (isList(items) && more.length === 0 ? Array.from(items) : undefined)],
  ['builtins bytes', args => (args.length === 0 ? new Uint8Array() : undefined)],
  ['builtins bytearray', bytearray],
  ['_codecs encode', ([text, encoding, ...more]) => (more.length === 0 ? latin1(text, encoding) : undefined)],
  ['array array', ([typecode, items, ...more]) => (more.length === 0 ? readArray(typecode, items) : undefined)],
  [
    'array _array_reconstructor',
    ([cls, typecode, format, items]) =>
      is(cls, 'array', 'array') ? readArrayOfFormat(typecode, format, items) : undefined,
  ],
  ['datetime date', args => readDatetime('date', args)],
  ['datetime time', args => readDatetime('time', args)],
  ['datetime datetime', args => readDatetime('datetime', args)],
  ['datetime timedelta', args => readDatetime('timedelta', args)],
  ['copyreg _reconstructor', instance],
])

/** The value of a call; undefined: it is kept as a PythonObject. */
export function makeKnown(module: string, name: string, args: Tuple): unknown {
  const make = table.get(`${module} ${name}`)
  return make === undefined ? readException(module, name, args) : make(args)
}

function bytearray([source, encoding, ...more]: Tuple): unknown {
  if (source === undefined) return new ByteArray()
  if (more.length > 0) return undefined
  const bytes = typeof source === 'string' ? latin1(source, encoding) : encoding === undefined ? source : undefined
  return bytes instanceof Uint8Array ? new ByteArray(bytes) : undefined
}

/** How protocols 0 to 2 write bytes: as the text that has them as its units. */
function latin1(text: unknown, encoding: unknown): Uint8Array | undefined {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) return undefined
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0xff) return undefined
    bytes[i] = unit
  }
  return bytes
}

/** How protocols 0 and 1 write an instance of a class without a base of its own. */
function instance([cls, base, state, ...more]: Tuple): unknown {
  if (!(cls instanceof PythonGlobal) || !is(base, 'builtins', 'object')) return undefined
  if (state !== null || more.length > 0) return undefined
  return new PythonObject(cls.module, cls.name, [], { bare: true })
}

/**
 * How an object of a manager is told to somebody in a pickle: a Token says where it is, and a proxy is RebuildProxy() of one.
 *
 *   Token         typeid · address of the server · ident: the object's number in it, as text
 *   RebuildProxy  (class of the proxy, Token, 'pickle', { exposed: names of its methods })
 */
import { PythonGlobal, PythonObject } from '../../pickle/python-object.ts'
import { tuple } from '../../pickle/tuple.ts'
import type { Address } from '../../wire/address.ts'

const MODULE = 'multiprocessing.managers'

export interface Told {
  readonly typeid: string
  readonly address: Address
  readonly ident: string
  /** The names of its methods, where its class of proxies does not say them. */
  readonly exposed: readonly string[] | undefined
  /** That class, of a proxy that was written by one. */
  readonly cls?: string
}

/** Python's own classes of proxies: they know the methods of their type. For all others Python makes one of `exposed`. */
const CLASSES: ReadonlyMap<string, string> = new Map([
  ['list', 'ListProxy'],
  ['dict', 'DictProxy'],
  ['Namespace', 'NamespaceProxy'],
  ['Value', 'ValueProxy'],
  ['Array', 'ArrayProxy'],
  ['Event', 'EventProxy'],
  ['Lock', 'AcquirerProxy'],
  ['RLock', 'AcquirerProxy'],
  ['Semaphore', 'AcquirerProxy'],
  ['BoundedSemaphore', 'AcquirerProxy'],
  ['Condition', 'ConditionProxy'],
  ['Barrier', 'BarrierProxy'],
  ['Iterator', 'IteratorProxy'],
])

/** Python refuses a list. */
function pythonAddress(address: Address): unknown {
  return typeof address === 'string' ? address : tuple(...address)
}

export function token({ typeid, address, ident }: Told): PythonObject {
  const state = tuple(typeid, pythonAddress(address), ident)
  return new PythonObject(MODULE, 'Token', [], { bare: true, state })
}

/** A proxy, as Python writes one. */
export function rebuildProxy(told: Told, isOwn: boolean): PythonObject {
  const known = isOwn ? CLASSES.get(told.typeid) : undefined
  const options = new Map<string, unknown>()
  if (known === undefined) options.set('exposed', tuple(...callable(told.exposed ?? [])))
  const cls = new PythonGlobal(MODULE, known ?? 'AutoProxy')
  return new PythonObject(MODULE, 'RebuildProxy', [cls, token(told), 'pickle', options])
}

/** What a Token says; undefined: it is none. */
export function readToken(value: unknown): Told | undefined {
  if (!(value instanceof PythonObject) || value.module !== MODULE || value.name !== 'Token') return undefined
  const { state } = value
  if (!Array.isArray(state) || state.length !== 3) return undefined
  const [typeid, where, ident] = state
  const address = readAddress(where)
  if (typeof typeid !== 'string' || typeof ident !== 'string' || address === undefined) return undefined
  return { typeid, address, ident, exposed: undefined }
}

function readAddress(address: unknown): Address | undefined {
  if (typeof address === 'string') return address
  if (address instanceof Uint8Array) return Buffer.from(address).toString() // an abstract name
  if (!Array.isArray(address) || address.length !== 2) return undefined
  const [host, port] = address
  return typeof host === 'string' && typeof port === 'number' ? [host, port] : undefined
}

/** What the pickle of a proxy says; undefined: it is none. */
export function readProxy({ module, name, args }: PythonObject): Told | undefined {
  if (module !== MODULE || name !== 'RebuildProxy' || args.length !== 4) return undefined
  const told = readToken(args[1])
  const [cls, , , options] = args
  if (told === undefined || !(cls instanceof PythonGlobal)) return undefined
  const exposed = options instanceof Map ? options.get('exposed') : undefined
  return { ...told, exposed: Array.isArray(exposed) ? exposed.map(String) : undefined, cls: cls.name }
}

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if ' +
    'import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
)

/** Those of the names that can be methods in Python, which writes a class with them. */
export function callable(names: Iterable<string>): string[] {
  return [...names].filter(name => /^[A-Za-z_]\w*$/.test(name) && !KEYWORDS.has(name))
}

/** What makes the objects of a server: the types of the package, and functions and classes of the user's own. */
import { ArgumentTypeError, MultiprocError } from '../contract/errors.ts'
import { className, describe } from '../contract/options.ts'
import { loadTarget } from '../process/load-target.ts'
import type { ResolvedTarget } from '../process/target.ts'
import type { Factory, Made } from './dispatcher.ts'
import type { HostedType } from './hosted/hosted-type.ts'

/** A type that was registered, as the server is told of it. */
export interface Registered {
  readonly typeid: string
  readonly target: ResolvedTarget
  readonly exposed: readonly string[] | undefined
}

/** One of the package's own types. */
export function ownFactory(type: HostedType): Factory {
  const exposed = new Set(type.exposed)
  const isOwn = true
  return {
    typeid: type.typeid,
    isOwn,
    make: (args, kwargs) => ({ type, object: type.create(args, kwargs), exposed, isOwn }),
  }
}

/** Without a prototype: a method may have any name, `toString` as well. */
const NONE: Readonly<Record<string, string>> = Object.create(null)

type Names = Readonly<Record<string, unknown>>
type Methods = Record<string, (...args: readonly unknown[]) => unknown>

/** A type of the user's own: its factory is imported with the first object. */
export function userFactory({ typeid, target, exposed }: Registered): Factory {
  const type: HostedType = {
    typeid,
    exposed: exposed ?? [],
    gives: NONE,
    create: () => {
      throw new MultiprocError('Expected objects of a registered type to be made by its factory')
    },
    call: (object, method, args, kwargs) => {
      const own = object as Methods
      if (typeof own[method] === 'function') return own[method](...withNames(args, kwargs))
      throw new MultiprocError(`Expected ${typeid} to have the method \`${method}\`, which it exposes, but it has none`)
    },
    copy: object => object,
    repr: object => `<${className(object) ?? typeid}>`,
  }
  const listed = exposed === undefined ? undefined : new Set(exposed)
  const ofClass = new WeakMap<object, ReadonlySet<string>>()
  let loading: Promise<(...args: readonly unknown[]) => unknown> | undefined
  const make = async (args: readonly unknown[], kwargs: Names): Promise<Made> => {
    loading ??= loadTarget(target, 'manager').then(asFactory)
    const object = await (await loading)(...withNames(args, kwargs))
    if ((typeof object !== 'object' && typeof object !== 'function') || object === null) {
      throw new MultiprocError(
        `Expected the factory of ${typeid} (${target.name} in ${target.module}) to make an object, got ${describe(object)}`,
      )
    }
    return { type, object, exposed: listed ?? publicMethods(object, ofClass), isOwn: false }
  }
  return { typeid, isOwn: false, make }
}

/** What Python gives by name comes as one object, last: as options do in JavaScript. */
function withNames(args: readonly unknown[], names: Names): readonly unknown[] {
  for (const _ in names) return [...args, { ...names }]
  return args
}

function asFactory(found: (...args: unknown[]) => unknown): (...args: readonly unknown[]) => unknown {
  if (!/^class\b/.test(Function.prototype.toString.call(found))) return found
  return (...args) => Reflect.construct(found, args as unknown[])
}

/** Its own functions and those of its class, but for names that begin with `_`, as in Python. */
function publicMethods(object: object, ofClass: WeakMap<object, ReadonlySet<string>>): ReadonlySet<string> {
  const own = namesOf(object)
  const proto = Object.getPrototypeOf(object)
  if (proto === null) return new Set(own)
  let inherited = ofClass.get(proto)
  if (inherited === undefined) {
    const names = new Set<string>()
    for (let at = proto; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      for (const name of namesOf(at)) names.add(name)
    }
    inherited = names
    ofClass.set(proto, inherited)
  }
  return own.length === 0 ? inherited : new Set([...inherited, ...own])
}

function namesOf(object: object): string[] {
  return Object.getOwnPropertyNames(object).filter(name => {
    if (name.startsWith('_') || name === 'constructor' || name === 'then') return false
    return typeof Object.getOwnPropertyDescriptor(object, name)?.value === 'function'
  })
}

/** Names that can stand in a list of exposed methods. */
export function checkExposed(typeid: string, exposed: unknown): string[] | undefined {
  if (exposed === undefined) return undefined
  if (Array.isArray(exposed) && exposed.every(name => typeof name === 'string' && name !== '' && name !== 'then')) {
    return [...exposed]
  }
  throw new ArgumentTypeError(
    `Expected \`exposed\` of ${typeid} to be an array of names of methods, \`then\` not among them, got ${describe(exposed)}`,
  )
}

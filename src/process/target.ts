/**
 * A function, told to another process: the URL of its module and the name it is exported by.
 *
 * Code does not travel; the child imports the same module and calls what it finds under that name. So a target must be
 * what its module exports, itself: a closure's variables, a method's `this` and a bound argument would be left behind.
 * Everything that can be known to be wrong is refused at the call, and the text of the function goes along, for the
 * child to see that it found the same one.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { InvalidTargetError } from '../contract/errors.ts'
import { describe } from '../contract/options.ts'
import { type FunctionOrigin, findOrigin } from './function-origin.ts'
import { type ModuleExports, readExports } from './module-exports.ts'

/**
 * A function to run in another process. It travels by reference: its module is found from the function itself and
 * imported in the child, where the export of that name is called. A function that its module does not export is
 * refused at start() with an error that says so and how to mend it.
 *
 * The explicit form serves bundles and plain JavaScript: `module` is a file: URL or an absolute path, `name` the export
 * (`'default'` when left out).
 */
export type Target<A extends unknown[] = any[], R = unknown> =
  | ((...args: A) => R | Promise<R>)
  | { module: string | URL; name?: string }

/** What is sent to the child. */
export interface ResolvedTarget {
  /** A file: URL. */
  readonly module: string
  readonly name: string
  /** The text of the function, when it was given itself: the child compares. */
  readonly source?: string
}

type AnyFunction = (...args: any[]) => unknown

const resolved = new WeakMap<AnyFunction, ResolvedTarget>()
const MOST_MODULES = 1000
/** Modules that were looked into, and what they export by that name. A child looks again: it is told if that has changed. */
const resolvedByName = new Map<string, Map<string, ResolvedTarget>>()
const exportsOfScript = new Map<string, ModuleExports | null>()

/** A function, or `{ module, name }`. */
export function looksLikeTarget(target: unknown): target is Target {
  return typeof target === 'function' || (typeof target === 'object' && target !== null && 'module' in target)
}

/** Finds out how another process can get hold of `target`. @throws {InvalidTargetError} when it cannot */
export function resolveTarget(target: Target): ResolvedTarget {
  if (typeof target === 'function') {
    const known = resolved.get(target)
    if (known !== undefined) return known
    const found = resolveFunction(target)
    resolved.set(target, found)
    return found
  }
  if (!looksLikeTarget(target)) {
    throw new InvalidTargetError(`Expected \`target\` to be a function or { module, name }, got ${describe(target)}`)
  }
  return resolveNamed(target.module, target.name)
}

function resolveFunction(fn: AnyFunction): ResolvedTarget {
  const text = Function.prototype.toString.call(fn)
  if (/^class\b/.test(text))
    throw refusal(fn, 'is a class, which can only be called with new', 'export a function that makes one')
  const origin = findOrigin(fn)
  if (origin.kind === 'bound') {
    throw refusal(fn, 'was made by bind()', 'give the function itself, and what was bound in `args`')
  }
  if (origin.kind === 'proxy') throw refusal(fn, 'is a Proxy', 'export a function that calls it')
  if (origin.kind === 'native') throw refusal(fn, "is one of the engine's own", 'export a function that calls it')
  if (!origin.url.startsWith('file:') || /\/\[eval\d*\]$/.test(origin.url)) {
    throw refusal(
      fn,
      `was not loaded from a file but ${evaluatedBy(origin.url)}`,
      'put it into a file of its own, export it there and import it here',
    )
  }
  const name = origin.isModule ? exportedName(fn, origin) : requiredName(fn, origin)
  return { module: origin.url, name, source: text }
}

function exportedName(fn: AnyFunction, origin: FunctionOrigin): string {
  let exported = exportsOfScript.get(origin.scriptId)
  if (exported === undefined) {
    exported = readExports(origin.source)
    exportsOfScript.set(origin.scriptId, exported)
  }
  if (exported === null) throw refusal(fn, `comes from ${place(origin)}, whose exports cannot be read`, EXPLICIT)
  // the variable an export stands for holds the very function: no look-alike passes
  for (const [name, variable] of exported.names) {
    if (variable !== undefined && origin.moduleVariables[variable] === fn) return name
  }
  if (isDefault(fn, origin, exported)) return 'default'
  throw notExported(fn, origin, exported)
}

/** `export default` of an expression is no variable that the debugger shows; its place in the text tells. */
function isDefault(fn: AnyFunction, origin: FunctionOrigin, exported: ModuleExports): boolean {
  if (exported.defaultAt < 0) return false
  const after = withoutComments(origin.source.slice(exported.defaultAt))
  const variable = /^\s*([\w$]+)\s*(?:;|\n|$)/.exec(after)?.[1]
  if (variable !== undefined) {
    if (Object.hasOwn(origin.moduleVariables, variable)) return origin.moduleVariables[variable] === fn
    // not shown since no function uses it: then the name decides here, and the text of the function in the child
    return fn.name === variable && origin.closures.length === 0
  }
  if (origin.offset < exported.defaultAt) return false
  const between = withoutComments(origin.source.slice(exported.defaultAt, origin.offset))
  return /^[\s(]*(?:async\s*)?(?:function\s*\*?\s*[\w$]*\s*)?$/.test(between)
}

/** What a CommonJS module exports can simply be looked at. */
function requiredName(fn: AnyFunction, origin: FunctionOrigin): string {
  const path = fileURLToPath(origin.url)
  const exported: unknown = createRequire(origin.url).cache[path]?.exports
  if (exported === fn) return 'default'
  if ((typeof exported === 'object' && exported !== null) || typeof exported === 'function') {
    for (const name of Object.keys(exported)) {
      // a getter may be how a compiler writes a live export; one that throws is no export
      try {
        if ((exported as Record<string, unknown>)[name] === fn) return name
      } catch {}
    }
  }
  throw refusal(
    fn,
    `is not among the exports of ${place(origin)} at this moment`,
    'assign it to module.exports before a process is started with it',
  )
}

const EXPLICIT = "name the module yourself: { module: new URL('./worker.js', import.meta.url), name: 'work' }"

function notExported(fn: AnyFunction, origin: FunctionOrigin, exported: ModuleExports): InvalidTargetError {
  const at = place(origin)
  if (isMethod(fn)) {
    return refusal(
      fn,
      `is a method (${at}), which would arrive without its object`,
      'export a function that makes the object and calls it',
    )
  }
  const outer = origin.closures.find(({ name }) => name !== '') ?? origin.closures[0]
  if (outer !== undefined) {
    const where = outer.name === '' ? 'inside a block or function' : `inside ${outer.name}()`
    const left = outer.variables.length > 0 ? `; it would have to leave ${outer.variables.join(', ')} behind` : ''
    return refusal(
      fn,
      `was made ${where} (${at})${left}`,
      'export a function from the top of a module, and hand it what it needs in `args`',
    )
  }
  if (fn.name === '') {
    return refusal(fn, `has no name that ${at} exports it by`, 'write `export function work() { … }` and give `work`')
  }
  if (exported.names.has(fn.name)) {
    return refusal(
      fn,
      `is not the \`${fn.name}\` that its module exports, but another one (${at})`,
      'give the exported one, or export this one from the top of the module under a name of its own',
    )
  }
  return refusal(
    fn,
    `is not exported by its module (${at})`,
    `write \`export\` before it, or \`export { ${fn.name} }\``,
  )
}

function isMethod(fn: AnyFunction): boolean {
  const text = Function.prototype.toString.call(fn)
  const name = /^(?:static\s+)?(?:async\s+)?\*?\s*(?:(?:get|set)\s+)?#?([\w$]+|\[[^\]]*\])\s*\(/.exec(text)?.[1]
  return name !== undefined && name !== 'function' && name !== 'async'
}

function refusal(fn: AnyFunction, why: string, mend: string): InvalidTargetError {
  return new InvalidTargetError(
    `Expected \`target\` to be a function that its module exports, but ${describe(fn)} ${why}; ${mend}`,
  )
}

function place(origin: FunctionOrigin): string {
  return `${fileURLToPath(origin.url)}:${origin.line}`
}

function evaluatedBy(url: string): string {
  if (url.startsWith('data:')) return 'from a data: URL'
  if (/\[eval\d*\]$/.test(url)) return 'given to node with --eval or --print'
  if (url.endsWith('[stdin]')) return 'read from the standard input'
  if (/^REPL\d+$/.test(url)) return 'typed into the REPL'
  return url === '' ? 'made by eval() or new Function()' : `evaluated as ${url}`
}

function withoutComments(text: string): string {
  return text.replace(/^(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)+/, ' ')
}

function resolveNamed(module: unknown, name: unknown = 'default'): ResolvedTarget {
  if (typeof name !== 'string' || name === '') {
    throw new InvalidTargetError(`Expected \`target.name\` to be the name of an export, got ${describe(name)}`)
  }
  const given = module instanceof URL ? module.href : module
  const known = typeof given === 'string' ? resolvedByName.get(given)?.get(name) : undefined
  if (known !== undefined) return known
  const url = moduleUrl(module)
  const found = { module: url, name }
  assertExported(url, name)
  if (resolvedByName.size >= MOST_MODULES) resolvedByName.clear() // a program that names each call's module anew
  const names = resolvedByName.get(given as string)
  if (names === undefined) resolvedByName.set(given as string, new Map([[name, found]]))
  else names.set(name, found)
  return found
}

function assertExported(url: string, name: string): void {
  const path = fileURLToPath(url)
  const source = readIfThere(path)
  if (source === undefined && !isMadeByLoader(path)) {
    throw new InvalidTargetError(`Expected \`target.module\` to be a file that can be read, but ${path} cannot`)
  }
  const exported = source !== undefined && /\.[cm]?[jt]s$/.test(path) ? readExports(source) : null
  if (exported?.isModule && !exported.andOthers && !exported.names.has(name)) {
    const names = [...exported.names.keys()]
    throw new InvalidTargetError(
      `Expected ${path} to export \`${name}\`, but it exports ${names.length === 0 ? 'nothing' : names.join(', ')}`,
    )
  }
}

function moduleUrl(module: unknown): string {
  if (module instanceof URL || (typeof module === 'string' && /^[a-z][a-z\d+.-]+:/i.test(module))) {
    const url = String(module)
    if (!url.startsWith('file:')) {
      throw new InvalidTargetError(`Expected \`target.module\` to be a file: URL or an absolute path, got ${url}`)
    }
    return new URL(url).href
  }
  if (typeof module !== 'string') {
    throw new InvalidTargetError(
      `Expected \`target.module\` to be a file: URL or an absolute path, got ${describe(module)}`,
    )
  }
  if (isAbsolute(module)) return pathToFileURL(module).href
  const mend = module.startsWith('.')
    ? `write new URL(${JSON.stringify(module)}, import.meta.url)`
    : `write import.meta.resolve(${JSON.stringify(module)})`
  throw new InvalidTargetError(
    `Expected \`target.module\` to be a file: URL or an absolute path, got ${describe(module)}, which means nothing ` +
      `without the file it is written in; ${mend}`,
  )
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** A loader such as tsx takes `x.js` to be `x.ts`; whether it does, the child will see. */
function isMadeByLoader(path: string): boolean {
  const written = path.replace(/\.([cm]?)js$/, '.$1ts')
  return written !== path && (readIfThere(written) !== undefined || readIfThere(`${written}x`) !== undefined)
}

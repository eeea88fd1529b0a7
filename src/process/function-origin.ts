/**
 * Where a function comes from: the script that made it, and the variables it was made among.
 *
 * JavaScript has no question for this; the debugger has. A session with the inspector of this very thread is opened,
 * asked synchronously, and closed again, so nothing is slowed down afterwards and no port is opened. Around 20 ms the
 * first time, 3 ms later on: whoever asks keeps the answer.
 */
import type { Runtime, Session } from 'node:inspector'
import { InvalidTargetError } from '../contract/errors.ts'

/** What the debugger knows about a function. */
export interface FunctionOrigin {
  /** Made by bind(), by a Proxy, or by the engine itself; all the rest is unknown then. */
  readonly kind: 'script' | 'bound' | 'proxy' | 'native'
  /** As the script calls itself: a file: URL for a module, anything or nothing for evaluated code. */
  readonly url: string
  readonly isModule: boolean
  readonly scriptId: string
  readonly source: string
  /** Where its parameters begin (an arrow function: where it begins), as an offset in `source`. */
  readonly offset: number
  /** From 1, for a message. */
  readonly line: number
  /**
   * The variables of its module as they are now, those that hold no function as `undefined`. All that are exported are
   * among them, except an unnamed default.
   */
  readonly moduleVariables: Readonly<Record<string, unknown>>
  /** The functions it was made in, innermost first, as far as it uses their variables. */
  readonly closures: readonly { readonly name: string; readonly variables: readonly string[] }[]
}

interface Script {
  readonly url: string
  readonly isModule: boolean
}

/** What both sides of the session can see. */
interface Box {
  readonly fn: unknown
  found: unknown[]
}

const BOX = Symbol.for('multiproc.function-origin')

/** Asks the debugger about `fn`. @throws {InvalidTargetError} when it cannot be asked */
export function findOrigin(fn: (...args: never[]) => unknown): FunctionOrigin {
  const session = openSession()
  const box: Box = { fn, found: [] }
  try {
    const scripts = new Map<string, Script>()
    session.on('Debugger.scriptParsed', ({ params }) => {
      scripts.set(params.scriptId, { url: params.url, isModule: params.isModule === true })
    })
    ask(session, 'Debugger.enable')
    Object.defineProperty(globalThis, BOX, { value: box, configurable: true })
    const boxed = evaluate(session, 'globalThis[Symbol.for("multiproc.function-origin")]')
    const remote = evaluate(session, 'globalThis[Symbol.for("multiproc.function-origin")].fn')
    const internal = properties(session, remote).internal
    const kind = kindOf(internal)
    if (kind !== 'script') return { ...NOTHING, kind }
    const place = internal.get('[[FunctionLocation]]')?.value as {
      scriptId: string
      lineNumber: number
      columnNumber: number
    }
    const script = scripts.get(place.scriptId) ?? { url: '', isModule: false }
    const source = ask<{ scriptSource: string }>(session, 'Debugger.getScriptSource', {
      scriptId: place.scriptId,
    }).scriptSource
    let moduleVariables: Record<string, unknown> = {}
    const closures: { name: string; variables: string[] }[] = []
    for (const scope of scopesOf(session, internal.get('[[Scopes]]'))) {
      const description = scope.description ?? ''
      if (description === 'Module') moduleVariables = functionsIn(session, scope, boxed, box)
      else if (/^(Closure|Block)/.test(description)) {
        const variables = properties(session, scope).own.map(({ name }) => name)
        closures.push({ name: /\((.*)\)/.exec(description)?.[1] ?? '', variables })
      }
    }
    return {
      kind,
      ...script,
      scriptId: place.scriptId,
      source,
      offset: offsetOf(source, place.lineNumber, place.columnNumber),
      line: place.lineNumber + 1,
      moduleVariables,
      closures,
    }
  } finally {
    Reflect.deleteProperty(globalThis, BOX)
    session.disconnect()
  }
}

const NOTHING: FunctionOrigin = {
  kind: 'native',
  url: '',
  isModule: false,
  scriptId: '',
  source: '',
  offset: 0,
  line: 0,
  moduleVariables: {},
  closures: [],
}

function openSession(): Session {
  try {
    // not imported at the top: a Node built without an inspector must still be able to use the explicit form
    const inspector = process.getBuiltinModule('node:inspector')
    const session = new inspector.Session()
    session.connect()
    return session
  } catch (cause) {
    throw unavailable(cause)
  }
}

function unavailable(cause: unknown): InvalidTargetError {
  return new InvalidTargetError(
    'Expected node:inspector to say which module the target function comes from, but it cannot be used here; ' +
      "name the module yourself: { module: new URL('./worker.js', import.meta.url), name: 'work' }",
    { cause },
  )
}

/** In the session's own thread the answer is there before post() returns. */
function ask<R>(session: Session, method: string, params?: object): R {
  let failure: Error | null = new Error(`${method} was not answered`)
  let answer: unknown
  session.post(method, params, (error: Error | null, result?: object) => {
    failure = error
    answer = result
  })
  if (failure !== null) throw unavailable(failure)
  return answer as R
}

function evaluate(session: Session, expression: string): Runtime.RemoteObject {
  const { result } = ask<Runtime.EvaluateReturnType>(session, 'Runtime.evaluate', { expression })
  // another realm (a vm context, as some test runners use) has another globalThis
  if (result.objectId === undefined) throw unavailable(new Error('the function lives in another realm'))
  return result
}

function properties(session: Session, object: Runtime.RemoteObject) {
  const found = ask<Runtime.GetPropertiesReturnType>(session, 'Runtime.getProperties', {
    objectId: object.objectId,
    ownProperties: true,
  })
  return {
    own: found.result,
    internal: new Map((found.internalProperties ?? []).map(property => [property.name, property.value])),
  }
}

function scopesOf(session: Session, list: Runtime.RemoteObject | undefined): Runtime.RemoteObject[] {
  if (list?.objectId === undefined) return []
  return properties(session, list).own.flatMap(({ value }) => (value?.objectId === undefined ? [] : [value]))
}

/** The variables of a scope by name. The debugger names values by number; the box brings the functions over. */
function functionsIn(session: Session, scope: Runtime.RemoteObject, boxed: Runtime.RemoteObject, box: Box) {
  const { own } = properties(session, scope)
  const holders = own.filter(({ value }) => value?.type === 'function')
  ask(session, 'Runtime.callFunctionOn', {
    objectId: boxed.objectId,
    functionDeclaration: 'function (...found) { this.found = found }',
    arguments: holders.map(({ value }) => ({ objectId: value?.objectId })),
  })
  const variables: Record<string, unknown> = {}
  for (const { name } of own) variables[name] = undefined
  holders.forEach(({ name }, at) => {
    variables[name] = box.found[at]
  })
  return variables
}

function kindOf(internal: ReadonlyMap<string, Runtime.RemoteObject | undefined>): FunctionOrigin['kind'] {
  if (internal.has('[[FunctionLocation]]')) return 'script'
  if (internal.has('[[TargetFunction]]')) return 'bound'
  return internal.has('[[Handler]]') ? 'proxy' : 'native'
}

function offsetOf(source: string, line: number, column: number): number {
  let start = 0
  // the line breaks of the language, which are one more than those of a file: U+2028 and U+2029
  const breaks = /\r\n|[\n\r\u2028\u2029]/g
  for (let n = 0; n < line; n++) {
    if (breaks.exec(source) === null) break
    start = breaks.lastIndex
  }
  return start + column
}

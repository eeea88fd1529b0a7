/** Where in a value something is, as one would write it: `items[3].callback`. Looked for only when it cannot travel. */
import { describe } from '../contract/options.ts'
import { PythonError } from './python-error.ts'
import { PythonObject } from './python-object.ts'

/** Beyond these only the first and the last are shown: a path is to be read. */
const SHOWN = 24

/** The way from a value to the first place in it where `sought` is; the value itself where it is not found. */
export function pathTo(value: unknown, sought: unknown, most: number): string {
  const steps: string[] = []
  const seen = new Set<unknown>()
  const find = (part: unknown): boolean => {
    if (Object.is(part, sought)) return true
    if (typeof part !== 'object' || part === null || seen.has(part) || steps.length > most) return false
    seen.add(part)
    for (const [step, inner] of stepsOf(part)) {
      steps.push(step)
      if (find(inner)) return true
      steps.pop()
    }
    return false
  }
  if (!find(value)) return 'value'
  const text =
    steps.length > SHOWN ? `${steps.slice(0, SHOWN - 4).join('')} … ${steps.slice(-4).join('')}` : steps.join('')
  return text.startsWith('.') ? text.slice(1) : `value${text}`
}

function* stepsOf(value: object): Iterable<[step: string, part: unknown]> {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) yield [`[${i}]`, value[i]]
  } else if (value instanceof Map) {
    for (const [key, item] of value) {
      yield [`.keys()`, key]
      yield [`.get(${typeof key === 'string' ? JSON.stringify(key) : describe(key)})`, item]
    }
  } else if (value instanceof Set) {
    for (const item of value) yield ['.values()', item]
  } else if (value instanceof PythonObject || value instanceof PythonError) {
    for (const key of ['args', 'kwargs', 'items', 'entries', 'state'] as const)
      if (key in value) yield [`.${key}`, (value as PythonObject)[key]]
  } else {
    for (const key of Object.keys(value))
      yield [
        /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
        (value as any)[key],
      ]
  }
}

/**
 * Binds the arguments of a call as Python does: by position or by name, none twice, none unknown, none missing.
 *
 * A signature is written much as Python's: `item, block?, timeout?`. `?`: may be left out. `/`: those before it go by
 * position alone. `*`: those after it go by name alone. `*values`, last: any number more. `**others`, last: any names.
 */
import { typeError } from './python-errors.ts'

const NOTHING_MORE: Record<string, unknown> = {}

export class Signature {
  readonly #owner: string
  readonly #method: string
  readonly #names: readonly string[]
  /** How many must be given, and how many at most, by position. */
  readonly #least: number
  readonly #most: number
  /** From which on they may be given by name. */
  readonly #named: number
  /** Takes any other names, as one object behind the rest. */
  readonly #open: boolean

  /** `method`: '' for the making of an object. */
  constructor(owner: string, method: string, text: string) {
    const parts = text.split(',').flatMap(part => part.trim() || [])
    const plain = parts.filter(part => /^\w/.test(part))
    const star = parts.indexOf('*')
    this.#owner = owner
    this.#method = method
    this.#names = plain.map(part => part.replace('?', ''))
    this.#least = plain.filter(part => !part.endsWith('?')).length
    this.#most = parts.some(part => /^\*\w/.test(part))
      ? Number.POSITIVE_INFINITY
      : star >= 0
        ? parts.slice(0, star).filter(part => part !== '/').length
        : plain.length
    this.#named = Math.max(parts.indexOf('/'), this.#most === Number.POSITIVE_INFINITY ? plain.length : 0)
    this.#open = parts.some(part => part.startsWith('**'))
  }

  /** The arguments in order; what was left out is missing or undefined. `args` itself, when there is nothing to do. */
  bind(args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): readonly unknown[] {
    if (args.length >= this.#least && args.length <= this.#most && isEmpty(kwargs)) return args
    return this.#bindNames(args, kwargs)
  }

  #bindNames(args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): unknown[] {
    const names = this.#names
    const given = Object.keys(kwargs)
    if (given.length > 0 && this.#named >= names.length && !this.#open)
      throw typeError(`${this.#title()} takes no keyword arguments`)
    if (args.length > this.#most) throw this.#wrongCount(args.length)
    const bound = [...args]
    let others: Record<string, unknown> | undefined
    for (const name of given) {
      const place = names.indexOf(name, this.#named)
      if (place < 0) {
        if (!this.#open) throw typeError(`${this.#title()} got an unexpected keyword argument '${name}'`)
        others ??= Object.create(null) as Record<string, unknown>
        others[name] = kwargs[name]
      } else if (place < args.length) throw typeError(`${this.#title()} got multiple values for argument '${name}'`)
      else bound[place] = kwargs[name]
    }
    const missing = names.slice(0, this.#least).filter((_, place) => !(place in bound))
    if (missing.length > 0) {
      if (this.#named >= names.length) throw this.#wrongCount(args.length)
      throw typeError(
        `${this.#title()} missing ${missing.length} required positional argument${missing.length > 1 ? 's' : ''}: ` +
          missing.map(name => `'${name}'`).join(' and '),
      )
    }
    if (this.#open) bound[names.length] = others ?? NOTHING_MORE
    return bound
  }

  #title(): string {
    return this.#method === '' ? `${this.#owner}()` : `${this.#owner}.${this.#method}()`
  }

  #wrongCount(count: number): Error {
    const [least, most] = [this.#least, this.#most]
    const title = this.#title()
    if (this.#named < this.#names.length) {
      const plural = most === 1 ? '' : 's'
      const range =
        least === most ? `${most} positional argument${plural}` : `from ${least} to ${most} positional arguments`
      return typeError(`${title} takes ${range} but ${count} ${count === 1 ? 'was' : 'were'} given`)
    }
    if (most === 0) return typeError(`${title} takes no arguments (${count} given)`)
    if (least === 1 && most === 1) return typeError(`${title} takes exactly one argument (${count} given)`)
    const name = this.#method || this.#owner
    if (least === most) return typeError(`${name} expected ${most} arguments, got ${count}`)
    const [word, bound] = count < least ? ['least', least] : ['most', most]
    return typeError(`${name} expected at ${word} ${bound} argument${bound === 1 ? '' : 's'}, got ${count}`)
  }
}

function isEmpty(kwargs: Readonly<Record<string, unknown>>): boolean {
  for (const name in kwargs) if (Object.hasOwn(kwargs, name)) return false
  return true
}

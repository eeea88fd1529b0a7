/**
 * What a Value or an Array takes: what fits its C type (shared/type-codes.ts), told as Python's array module tells it.
 *
 * More is taken than by the shared Value: Python has no bigint and no char, so a whole number may come as either kind of
 * number, and `c` takes a byte of Python's, which it gives back as it came.
 */
import { fit, type Type, type TypeCode, typeOf } from '../../shared/type-codes.ts'
import { numeric, typeName } from './kinds-of-value.ts'
import { overflowError, typeError } from './python-errors.ts'

export class Typed {
  readonly code: TypeCode
  readonly #type: Type

  constructor(code: unknown) {
    try {
      this.#type = typeOf(code)
    } catch (error) {
      throw typeError((error as Error).message)
    }
    this.code = code as TypeCode
  }

  /** What will be read back. @throws {PythonError} TypeError, OverflowError */
  fit(value: unknown): unknown {
    if (this.code === 'c' && value instanceof Uint8Array) {
      if (value.length === 1) return value
      throw typeError(`Expected one byte for type code 'c', got ${value.length}`)
    }
    try {
      return fit(this.code, this.#type, this.#asTaken(value))
    } catch (error) {
      const { message } = error as Error
      throw error instanceof RangeError ? overflowError(message) : typeError(message)
    }
  }

  #asTaken(value: unknown): unknown {
    const { form } = this.#type
    if (typeof value === 'string' || form === 'text') return value
    const number = numeric(value)
    if (form === 'bigint') return typeof number === 'number' && Number.isInteger(number) ? BigInt(number) : value
    // a bigint that is no number is out of any range
    if (typeof number === 'bigint') return form === 'integer' ? Math.sign(Number(number)) * 2 ** 64 : Number(number)
    return number ?? value
  }

  /** The sum of two of the type. @throws {PythonError} TypeError, OverflowError */
  add(value: unknown, more: unknown): unknown {
    if (this.#type.form === 'text') throw typeError(`a Value of type code '${this.code}' cannot be added to`)
    const addend = this.#type.form === 'bigint' ? this.fit(more) : numeric(more)
    if (typeof addend !== typeof value) throw typeError(`cannot add '${typeName(more)}' to a '${this.code}'`)
    return this.fit((value as number) + (addend as number))
  }
}

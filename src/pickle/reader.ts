/**
 * The machine that a pickle is a program for: a stack, marks on it, and a memo of what may be met again.
 *
 * A loop, not a recursion: no pickle is too deep for it. Containers are in the memo before their items, so a value may
 * lead back to itself. Nothing is made as large as a pickle only claims.
 */
import { ByteArray } from './byte-array.ts'
import { setState } from './exceptions.ts'
import { FrozenSet } from './frozen-set.ts'
import { readDecimal, readInteger } from './integers.ts'
import { makeKnown } from './known-calls.ts'
import * as op from './opcodes.ts'
import { PyFloat } from './py-float.ts'
import { PythonGlobal, PythonObject } from './python-object.ts'
import { currentName } from './python2-names.ts'
import { Source } from './source.ts'
import { readEscapedText, readQuoted, readText } from './text.ts'
import { asTuple, Tuple } from './tuple.ts'

/** The newest protocol there is. */
const NEWEST = 5

export class Reader {
  readonly #source: Source
  readonly #exactFloats: boolean
  readonly #stack: unknown[] = []
  /** Heights of the stack at the marks that are open. */
  readonly #marks: number[] = []
  /** Below this the stack belongs to what was begun before the last mark. */
  #floor = 0
  readonly #memo: unknown[] = []
  #memoized = 0
  #protocol = 0
  /** How much calls may still copy and look at: a pickle that names a long list many times over is not copied as often. */
  #copies: number
  /** Whether a container was met more than once. */
  shared = false
  /** How many containers were made: the value is no deeper. */
  containers = 0
  /** Whether the value has a PythonObject in it. */
  foreign = false

  constructor(bytes: Uint8Array, exactFloats: boolean) {
    this.#source = new Source(bytes)
    this.#exactFloats = exactFloats
    this.#copies = 4 * bytes.length + 1024
  }

  read(): unknown {
    const source = this.#source
    const stack = this.#stack
    for (;;) {
      const code = source.uint8()
      switch (code) {
        case op.SHORT_BINUNICODE:
          stack.push(this.#text(source.uint8()))
          break
        case op.BININT1:
          stack.push(source.uint8())
          break
        case op.MEMOIZE:
          this.#remember(this.#memoized)
          break
        case op.MARK:
          this.#marks.push(stack.length)
          this.#floor = stack.length
          break
        case op.BINGET:
          stack.push(this.#recall(source.uint8()))
          break
        case op.LONG_BINGET:
          stack.push(this.#recall(source.uint32()))
          break
        case op.BINPUT:
          this.#remember(source.uint8())
          break
        case op.LONG_BINPUT:
          this.#remember(source.uint32())
          break
        case op.NONE:
          stack.push(null)
          break
        case op.NEWTRUE:
          stack.push(true)
          break
        case op.NEWFALSE:
          stack.push(false)
          break
        case op.BININT2:
          stack.push(source.uint16())
          break
        case op.BININT:
          stack.push(source.int32())
          break
        case op.LONG1:
          stack.push(this.#integer(source.uint8()))
          break
        case op.LONG4:
          stack.push(this.#integer(source.int32()))
          break
        case op.BINFLOAT:
          stack.push(this.#float(source.float64()))
          break
        case op.BINUNICODE:
          stack.push(this.#text(source.uint32()))
          break
        case op.BINUNICODE8:
          stack.push(this.#text(source.uint64()))
          break
        case op.SHORT_BINBYTES:
          stack.push(source.copy(source.uint8()))
          break
        case op.BINBYTES:
          stack.push(source.copy(source.uint32()))
          break
        case op.BINBYTES8:
          stack.push(source.copy(source.uint64()))
          break
        case op.BYTEARRAY8:
          stack.push(new ByteArray(source.copy(source.uint64()).buffer))
          break
        case op.EMPTY_TUPLE:
          stack.push(asTuple([]))
          break
        case op.TUPLE1:
          this.#tuple(this.#below(1))
          break
        case op.TUPLE2:
          this.#tuple(this.#below(2))
          break
        case op.TUPLE3:
          this.#tuple(this.#below(3))
          break
        case op.TUPLE:
          this.#tuple(this.#toMark())
          break
        case op.EMPTY_LIST:
          this.#push([])
          break
        case op.APPEND:
          this.#append(this.#below(1))
          break
        case op.APPENDS:
          this.#append(this.#toMark())
          break
        case op.EMPTY_DICT:
          this.#push(new Map())
          break
        case op.SETITEM:
          this.#setItems(this.#below(2))
          break
        case op.SETITEMS:
          this.#setItems(this.#toMark())
          break
        case op.EMPTY_SET:
          this.#push(new Set())
          break
        case op.ADDITEMS:
          this.#addItems(this.#toMark())
          break
        case op.FROZENSET:
          this.#push(new FrozenSet(this.#cut(this.#toMark())))
          break
        case op.STACK_GLOBAL:
          this.#global(this.#cut(this.#below(2)))
          break
        case op.REDUCE:
          this.#reduce()
          break
        case op.NEWOBJ:
          this.#instance(this.#cut(this.#below(2)))
          break
        case op.NEWOBJ_EX:
          this.#instance(this.#cut(this.#below(3)))
          break
        case op.BUILD:
          this.#build()
          break
        case op.PROTO:
          this.#protocol = source.uint8()
          if (this.#protocol > NEWEST)
            source.fail(`there is no protocol ${this.#protocol} yet; the newest is ${NEWEST}`)
          break
        case op.FRAME:
          // frames only say how much to read at once: here all is read
          source.expect(source.uint64())
          break
        case op.STOP:
          return this.#pop()
        default:
          this.#unusual(code)
      }
    }
  }

  /** What only protocols 0 and 1 have, and what nobody writes. */
  #unusual(code: number): void {
    const source = this.#source
    const stack = this.#stack
    switch (code) {
      case op.POP:
        // a mark without anything on it counts as an item here
        if (stack.length === this.#floor && this.#marks.length > 0) this.#toMark()
        else this.#pop()
        break
      case op.POP_MARK:
        stack.length = this.#toMark()
        break
      case op.DUP: {
        const [value] = stack.slice(this.#below(1))
        if (typeof value === 'object' && value !== null) this.shared = true
        stack.push(value)
        break
      }
      case op.INT: {
        const line = source.line()
        stack.push(line === '00' ? false : line === '01' ? true : this.#known(readDecimal(line), 'a whole number'))
        break
      }
      case op.LONG:
        stack.push(this.#known(readDecimal(source.line().replace(/L$/, '')), 'a whole number'))
        break
      case op.FLOAT:
        stack.push(this.#float(this.#known(readFloat(source.line()), 'a float')))
        break
      case op.STRING:
        stack.push(this.#ascii(this.#known(readQuoted(source.line()), 'a quoted text')))
        break
      case op.BINSTRING: {
        const length = source.int32()
        stack.push(this.#ascii(source.bytes.toString('latin1', source.take(length), source.at)))
        break
      }
      case op.SHORT_BINSTRING: {
        const length = source.uint8()
        stack.push(this.#ascii(source.bytes.toString('latin1', source.take(length), source.at)))
        break
      }
      case op.UNICODE:
        stack.push(this.#known(readEscapedText(source.line()), 'a text'))
        break
      case op.LIST:
        this.#push(this.#cut(this.#toMark()))
        break
      case op.DICT: {
        const start = this.#toMark()
        stack.splice(start, 0, new Map())
        this.containers++
        this.#setItems(start + 1)
        break
      }
      case op.PUT:
        this.#remember(Number(this.#known(readDecimal(source.line()), 'a number')))
        break
      case op.GET:
        stack.push(this.#recall(Number(this.#known(readDecimal(source.line()), 'a number'))))
        break
      case op.GLOBAL:
        this.#global([this.#utf8Line(), this.#utf8Line()])
        break
      case op.INST: {
        const args = this.#cut(this.#toMark())
        this.#global([this.#utf8Line(), this.#utf8Line()])
        stack.push(asTuple(args))
        this.#reduce()
        break
      }
      case op.OBJ: {
        const [cls, ...args] = this.#cut(this.#toMark())
        stack.push(cls, asTuple(args))
        this.#reduce()
        break
      }
      default: {
        const name = op.OUTSIDE.get(code)
        const hex = `0x${code.toString(16).padStart(2, '0')}`
        source.fail(name === undefined ? `there is no opcode ${hex}` : `${name} refers to something outside the pickle`)
      }
    }
  }

  #push(container: object): void {
    this.containers++
    this.#stack.push(container)
  }

  #pop(): unknown {
    this.#below(1)
    return this.#stack.pop()
  }

  /** Where the uppermost items begin. */
  #below(count: number): number {
    const start = this.#stack.length - count
    if (start < this.#floor) this.#source.fail('the stack holds too little')
    return start
  }

  /** Takes the last mark away; gives where the items on it begin. */
  #toMark(): number {
    const start = this.#marks.pop()
    if (start === undefined) this.#source.fail('there is no mark')
    this.#floor = this.#marks.length === 0 ? 0 : this.#marks[this.#marks.length - 1]
    return start
  }

  /** Takes the items from there on off the stack. */
  #cut(start: number): unknown[] {
    const items = this.#stack.slice(start)
    this.#stack.length = start
    return items
  }

  /** What the items from there on are put into: it lies below them. */
  #target(start: number): unknown {
    if (start <= this.#floor) this.#source.fail('the stack holds too little')
    return this.#stack[start - 1]
  }

  #tuple(start: number): void {
    this.#push(asTuple(this.#cut(start)))
  }

  #append(start: number): void {
    const stack = this.#stack
    const target = this.#target(start)
    if (target instanceof PythonObject) target.items ??= []
    const list = target instanceof PythonObject ? target.items! : target
    if (!Array.isArray(list) || list instanceof Tuple) this.#source.fail('there is no list to append to')
    for (let i = start; i < stack.length; i++) list.push(stack[i])
    stack.length = start
  }

  #setItems(start: number): void {
    const stack = this.#stack
    const target = this.#target(start)
    if (target instanceof PythonObject) target.entries ??= new Map()
    const map = target instanceof PythonObject ? target.entries! : target
    if (!(map instanceof Map)) this.#source.fail('there is no dict to set items of')
    if ((stack.length - start) % 2 !== 0) this.#source.fail('there is a key without a value')
    for (let i = start; i < stack.length; i += 2) map.set(stack[i], stack[i + 1])
    stack.length = start
  }

  #addItems(start: number): void {
    const stack = this.#stack
    const set = this.#target(start)
    if (!(set instanceof Set) || set instanceof FrozenSet) this.#source.fail('there is no set to add to')
    for (let i = start; i < stack.length; i++) set.add(stack[i])
    stack.length = start
  }

  #remember(index: number): void {
    if (!(index >= 0)) this.#source.fail(`${index} is no place in the memo`)
    const memo = this.#memo
    if (memo[index] === undefined) this.#memoized++
    memo[index] = this.#stack[this.#below(1)]
  }

  #recall(index: number): unknown {
    const value = this.#memo[index]
    if (value === undefined) this.#source.fail(`nothing is in the memo at ${index}`)
    if (typeof value === 'object' && value !== null) this.shared = true
    return value
  }

  #text(length: number): string {
    const from = this.#source.take(length)
    return this.#known(readText(this.#source.bytes, from, from + length), 'a text in UTF-8')
  }

  /** Python 2's str: text only where it is ASCII. */
  #ascii(text: string): string {
    for (let i = 0; i < text.length; i++)
      if (text.charCodeAt(i) > 0x7f) this.#source.fail('a str of Python 2 has bytes that are not ASCII')
    return text
  }

  #utf8Line(): string {
    const from = this.#source.at
    this.#source.line()
    return this.#known(readText(this.#source.bytes, from, this.#source.at - 1), 'a name in UTF-8')
  }

  #integer(length: number): number | bigint {
    const from = this.#source.take(length)
    try {
      return readInteger(this.#source.bytes, from, length)
    } catch (error) {
      return this.#source.fail('a whole number is longer than a bigint can be', error)
    }
  }

  #float(value: number): number | PyFloat {
    // any other goes back as a float by itself; -0 does not as a key
    return this.#exactFloats && Number.isSafeInteger(value) ? new PyFloat(value) : value
  }

  #known<T>(value: T | undefined, expected: string): T {
    if (value === undefined) this.#source.fail(`what came before is not ${expected}`)
    return value
  }

  #global([module, name]: unknown[]): void {
    if (typeof module !== 'string' || typeof name !== 'string') this.#source.fail('a name is not a text')
    const [currentModule, current] = this.#protocol < 3 ? currentName(module, name) : [module, name]
    this.#stack.push(new PythonGlobal(currentModule, current))
  }

  /** callable(*args): of the few that are known a value, of all others a record. Nothing is called. */
  #reduce(): void {
    const [callable, args] = this.#cut(this.#below(2))
    if (!(args instanceof Tuple)) this.#source.fail('the arguments of a call are not a tuple')
    this.#spend(args)
    if (callable instanceof PythonObject) {
      this.#object(new PythonObject(callable.module, callable.name, args, { callable }))
      return
    }
    if (!(callable instanceof PythonGlobal)) this.#source.fail('what is called is neither a class nor a function')
    const { module, name } = callable
    const made = makeKnown(module, name, args)
    if (made === undefined) this.#object(new PythonObject(module, name, args))
    else if (made instanceof PythonObject) this.#object(made)
    else this.#push(made as object)
  }

  /** Before anything is made of the arguments of a call, which many calls may share. */
  #spend(args: Tuple): void {
    this.#spendOn(args.length)
    for (const arg of args)
      if (typeof arg === 'string' || Array.isArray(arg) || arg instanceof Uint8Array) this.#spendOn(arg.length)
  }

  #spendOn(length: number): void {
    this.#copies -= length
    if (this.#copies < 0) this.#source.fail('a long value is copied again and again')
  }

  #object(object: PythonObject): void {
    this.foreign = true
    this.#push(object)
  }

  /** cls.__new__(cls, *args, **kwargs) */
  #instance([cls, args, kwargs]: unknown[]): void {
    if (!(cls instanceof PythonGlobal)) this.#source.fail('what an instance is made of is no class')
    if (!(args instanceof Tuple)) this.#source.fail('the arguments of a class are not a tuple')
    if (kwargs !== undefined && !(kwargs instanceof Map))
      this.#source.fail('the named arguments of a class are no dict')
    if (kwargs !== undefined) this.#spendOn(kwargs.size)
    this.#object(new PythonObject(cls.module, cls.name, args, { bare: true, kwargs }))
  }

  #build(): void {
    const state = this.#pop()
    const target = this.#stack[this.#below(1)]
    if (target instanceof PythonObject && target.state === undefined) target.state = state
    else if (!(target instanceof Error && setState(target, state)))
      this.#source.fail('there is no object that could take a state')
  }
}

function readFloat(line: string): number | undefined {
  const text = line.trim().toLowerCase()
  const special = /^([+-]?)(inf(?:inity)?|nan)$/.exec(text)
  if (special !== null) return special[2] === 'nan' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/.test(text) ? Number(text) : undefined
}

// Bytes that are no pickle, or one that was meant ill: our own error, little memory, and nothing run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dumps, loads, NotSerializableError, PythonObject, tuple, UnpicklingError } from 'multiproc'
import * as op from '#src/pickle/opcodes.js'
import { RandomValues, random } from './random-values.js'

const MUTATIONS = 200_000
/** Bytes: what is held at any time while 200,000 small pickles are read. */
const MOST_MEMORY = 400 * 2 ** 20

/** From CPython: what only the older protocols write. */
const OLD = [
  // protocol 0: ['it', 1, -5L, 2**70, 1.5, True, None, ('a', {'k': 'v'}), u'\u20ac', b'\xff']
  '(lp0\nVit\np1\naI1\naI-5\naL1180591620717411303424L\naF1.5\naI01\naNa(Va\np2\n(dp3\nVk\np4\nVv\np5\nstp6\naV\\u20ac\np7\nac_codecs\nencode\np8\n(V\xff\np9\nVlatin1\np10\ntp11\nRp12\na.',
  // protocol 0 of Python 2: str in quotes, an old-style instance
  "(S'it\\'s \\x27'\np0\n(i__main__\nPoint\np1\n(dp2\nS'x'\nI1\nsbtp3\n.",
  // protocol 1: an instance of a class, a set
  ']q\x00(ccopy_reg\n_reconstructor\nq\x01(c__main__\nPoint\nq\x02c__builtin__\nobject\nq\x03Ntq\x04Rq\x05}q\x06X\x01\x00\x00\x00xq\x07K\x01sbc__builtin__\nset\nq\x08(]q\t(K\x01K\x02etq\nRq\x0be.',
  // protocol 2: OBJ, an exception, DUP and POP
  '\x80\x02(c__main__\nPoint\nK\x01ocexceptions\nKeyError\nq\x00X\x01\x00\x00\x00k\x85q\x01Rq\x020\x88\x89\x860N200.',
].map(text => Buffer.from(text, 'latin1'))

const SPECIAL = [
  new PythonObject('decimal', 'Decimal', ['1.5']),
  new PythonObject('m', 'C', [], {
    bare: true,
    kwargs: { a: 1 },
    state: new Map([['b', 2]]),
    items: [1],
    entries: new Map([[1, 2]]),
  }),
  tuple('7f00', 'get', tuple(), { timeout: 1 }),
]

const codes = Object.values(op).filter(code => typeof code === 'number') as number[]

test(`loads() of ${MUTATIONS} mutated pickles gives a value or an UnpicklingError, within bounded memory`, t => {
  const values = new RandomValues(1)
  const made = Array.from({ length: 300 }, (_, i) => dumps(values.value(), { protocol: i % 2 === 0 ? 4 : 5 }))
  const seeds = [...made.filter(({ length }) => length < 2000), ...SPECIAL.map(value => dumps(value)), ...OLD, ...OLD]
  const next = random(2)
  const below = (count: number) => Math.floor(next() * count)
  const mutate = (bytes: Uint8Array): Buffer => {
    const at = below(bytes.length)
    const before = bytes.subarray(0, at)
    switch (below(7)) {
      case 0:
        return Buffer.concat([before, Buffer.of(below(256)), bytes.subarray(at + 1)])
      case 1:
        return Buffer.concat([before, Buffer.of(codes[below(codes.length)]), bytes.subarray(at + 1)])
      case 2:
        return Buffer.concat([before, Buffer.of(codes[below(codes.length)]), bytes.subarray(at)])
      case 3:
        return Buffer.from(before)
      case 4: // a length, or a place in the memo, of any size
        return Buffer.concat([
          before,
          Buffer.alloc(below(9), below(2) === 0 ? 0xff : 0x7f),
          bytes.subarray(at + below(9)),
        ])
      case 5: // a piece twice
        return Buffer.concat([before, bytes.subarray(Math.max(0, at - below(12)))])
      default: {
        const other = seeds[below(seeds.length)]
        return Buffer.concat([before, other.subarray(below(other.length))])
      }
    }
  }
  let read = 0
  let most = 0
  for (let i = 0; i < MUTATIONS; i++) {
    let bytes = mutate(seeds[below(seeds.length)])
    while (below(3) === 0 && bytes.length > 0) bytes = mutate(bytes)
    try {
      const value = loads(bytes, { exactFloats: i % 2 === 0, restore: i % 3 === 0 ? () => undefined : undefined })
      read++
      dumps(value)
    } catch (error) {
      if (error instanceof UnpicklingError || error instanceof NotSerializableError) continue
      throw new Error(`${bytes.toString('hex')} gave ${String(error)}`, { cause: error })
    }
    if (i % 256 === 0) {
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      most = Math.max(most, heapUsed + arrayBuffers)
    }
  }
  t.diagnostic(`${read} could be read; at most ${Math.round(most / 2 ** 20)} MiB`)
  assert.ok(read > MUTATIONS / 100, 'some must be right, or nothing was tried')
  assert.ok(most < MOST_MEMORY, `${most} bytes`)
  assert.equal(Object.getOwnPropertyNames(Object.prototype).length, 12)
})

test('loads() of the older protocols, as they are before they are mutated', () => {
  for (const bytes of OLD) assert.ok(Array.isArray(loads(bytes)) || loads(bytes) instanceof PythonObject)
})

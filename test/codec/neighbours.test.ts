/** Others who use the same copy of msgpackr see nothing of us, and we nothing of them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { addExtension, Packr, Unpackr } from 'msgpackr/pack'
import { decode, encode } from '#src/codec/codec.js'
import { bytesOf, copy } from './copy.js'

const everything = {
  a: [1, -0, new Date(5), /x/],
  m: new Map([[1, new Set([2])]]),
  b: Buffer.alloc(20, 1),
  n: 2n ** 70n,
}

describe('msgpackr of somebody else in the same process', () => {
  it('packs and unpacks as it would without us', () => {
    const packr = new Packr({ moreTypes: true, structuredClone: true })
    const unpackr = new Unpackr({ moreTypes: true, structuredClone: true })
    const value = { ...everything, a: [1, new Date(5), /x/] } // without -0, which only arrives with us
    const theirs = packr.pack(value)
    const before = Buffer.from(theirs)
    for (let i = 0; i < 500; i++) copy(everything)
    copy('x'.repeat(3_000_000))
    assert.deepEqual(theirs, before, 'we wrote over their bytes')
    assert.deepEqual(packr.pack(value), before)
    const { b, ...rest } = unpackr.unpack(before)
    assert.deepEqual({ ...rest, b: Buffer.from(b) }, value)
  })

  it('may be at work when ours is called, and may pack before our message is written', () => {
    class Theirs {}
    class Large {}
    addExtension({
      Class: Theirs,
      type: 33,
      pack: () => bytesOf(everything).bytes,
      unpack: (bytes: Uint8Array) => bytes.length,
    })
    addExtension({
      Class: Large,
      type: 34,
      pack: () => bytesOf('x'.repeat(3_000_000)).bytes.subarray(0, 10),
      unpack: () => copy(everything),
    })
    const packr = new Packr({ mapsAsObjects: true, useRecords: false })
    const value = {
      before: 'text',
      theirs: new Theirs(),
      large: new Large(),
      get between() {
        return copy('x'.repeat(3_000_000)).length
      },
      after: ['more', 'text'],
    }
    const message = encode(everything)
    assert.deepEqual(packr.unpack(packr.pack(value)), {
      before: 'text',
      theirs: bytesOf(everything).bytes.length,
      large: everything,
      between: 3_000_000,
      after: ['more', 'text'],
    })
    const bytes = new Uint8Array(message.byteLength)
    message.writeTo(bytes)
    assert.deepEqual(decode(bytes, message.headLength, []), everything)
  })

  it('that meets our bytes refuses them', () => {
    const { bytes } = bytesOf(new Date(5))
    assert.throws(() => new Unpackr({ useRecords: false }).unpack(bytes.subarray(1)), /Expected the parts of a value/)
  })
})

describe('the codec', () => {
  it('works on when another copy of the package is loaded', async () => {
    const second = new URL('../../../build/src/codec/msgpack.js?second', import.meta.url)
    await import(second.href)
    assert.deepEqual(copy(everything), everything)
  })

  it('makes no code from strings', () => {
    const codec = new URL('../../../build/src/codec/codec.js', import.meta.url)
    const script = `
      import { decode, encode } from ${JSON.stringify(codec.href)}
      const rows = Array.from({ length: 50 }, (_, id) => ({ id, name: 'row', at: new Date(id) }))
      const message = encode(rows)
      const bytes = new Uint8Array(message.byteLength)
      message.writeTo(bytes)
      console.log(decode(bytes, message.headLength, [])[49].at.getTime())
    `
    const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script]
    const said = execFileSync(process.execPath, flags, { encoding: 'utf8', timeout: 60_000, stdio: 'pipe' })
    assert.equal(said, '49\n')
  })
})

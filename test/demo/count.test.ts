import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { countFile, TextCounter } from '../../demo/count.js'
import { WordTable } from '../../demo/words.js'
import { prose, totalsByWc, tree } from './tree.js'

const count = (file: string, table = new WordTable()) => countFile(Buffer.from(file), table)

const texts: Record<string, string | Uint8Array> = {
  'an empty file': '',
  'one line feed': '\n',
  'no final line feed': 'one two\nthree',
  CRLF: 'one two\r\n\r\nthree\r\n',
  'every white space': ' a\tb\vc\fd\re \n ',
  'latin-1 bytes': Buffer.from('caf\xe9 \xe9t\xe9 \xa0 a\xa0b \xff\n', 'latin1'),
  'words of no ASCII character': 'an — em dash, 漢字 kanji\n',
  'control characters': 'a \x01 \x1b[1m \x7f b\n',
  'a NUL after the first 8 KiB': `${'word '.repeat(2000)}\0 end`,
  'more than one chunk': prose(40_000, 7),
  'a word across chunks': 'x'.repeat(600_000),
}

for (const [name, content] of Object.entries(texts)) {
  test(`countFile() agrees with wc about ${name}`, t => {
    const folder = tree(t, { file: content })
    const { files, ...expected } = totalsByWc(folder)
    assert.equal(files, 1)
    assert.deepEqual(count(path.join(folder, 'file')), { kind: 'text', ...expected })
  })
}

test('countFile() takes a file with a NUL in its first 8 KiB for binary and counts none of its words', t => {
  const folder = tree(t, { file: `some words${' '.repeat(8181)}\0` })
  const table = new WordTable()
  assert.deepEqual(count(path.join(folder, 'file'), table), { kind: 'binary', bytes: 8192 })
  assert.equal(table.size, 0)
})

test('countFile() names what is not there, not a file, or not readable, and does not wait for a fifo', async t => {
  const folder = tree(t, { file: 'text' })
  const at = (name: string) => path.join(folder, name)
  execFileSync('mkfifo', [at('fifo')])
  symlinkSync('nowhere', at('dangling'))
  mkdirSync(at('folder'))
  const server = createServer()
  t.after(() => server.close())
  await new Promise<void>(resolve => server.listen(at('socket'), resolve))
  assert.deepEqual(count(at('gone')), { kind: 'vanished', trouble: 'ENOENT' })
  assert.deepEqual(count(at('file/below')), { kind: 'vanished', trouble: 'ENOTDIR' })
  assert.deepEqual(count(at('dangling')), { kind: 'vanished', trouble: 'ELOOP' })
  assert.equal(count(at('fifo')).kind, 'special')
  assert.equal(count(at('folder')).kind, 'special')
  assert.equal(count(at('socket')).kind, 'special')
  assert.deepEqual(count(at('x'.repeat(300))), { kind: 'unreadable', trouble: 'ENAMETOOLONG' })
})

test('TextCounter counts the same however the text is cut', () => {
  const text = Buffer.from(`${prose(40, 3)} ${'long'.repeat(40)} end`)
  const whole = new WordTable()
  const counter = new TextCounter(whole)
  counter.feed(text)
  const expected = counter.end()
  for (let size = 1; size < 20; size++) {
    const table = new WordTable()
    const pieces = new TextCounter(table)
    for (let from = 0; from < text.length; from += size) pieces.feed(text.subarray(from, from + size))
    assert.deepEqual(pieces.end(), expected)
    assert.deepEqual([...table.entries()], [...whole.entries()])
  }
})

test('WordTable holds the lower-cased runs of 1 to 64 letters, as a regular expression finds them', () => {
  const longest = 'Z'.repeat(64)
  const text = `${prose(3000, 5)} ${longest} ${longest}z it's x-y ÀB\xe9c`
  const expected = new Map<string, number>()
  for (const [run] of text.matchAll(/[A-Za-z]+/g)) {
    if (run.length <= 64) expected.set(run.toLowerCase(), (expected.get(run.toLowerCase()) ?? 0) + 1)
  }
  const table = new WordTable()
  const counter = new TextCounter(table)
  counter.feed(Buffer.from(text))
  counter.end()
  assert.deepEqual(new Map(table.entries()), expected)
})

test('WordTable.merge() of packed tables adds up to the table of the whole, beyond any first size', () => {
  const texts = [1, 2, 3].map(part => Array.from({ length: 20_000 }, (_, i) => letters(i * part)).join(' '))
  const whole = new WordTable()
  const merged = new WordTable()
  for (const text of texts) {
    const part = new WordTable()
    for (const table of [whole, part]) {
      const counter = new TextCounter(table)
      counter.feed(Buffer.from(text))
      counter.end()
    }
    merged.merge(part.pack())
  }
  assert.ok(whole.size > 30_000)
  assert.deepEqual(new Map(merged.entries()), new Map(whole.entries()))
})

test('WordTable.top() gives the commonest words first, equally common ones by the alphabet', () => {
  const table = new WordTable()
  const counter = new TextCounter(table)
  counter.feed(Buffer.from('b a c b c d'))
  counter.end()
  assert.deepEqual(table.top(3), [
    ['b', 2],
    ['c', 2],
    ['a', 1],
  ])
})

/** A number as letters. */
function letters(n: number): string {
  return [...n.toString(26)].map(digit => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('')
}

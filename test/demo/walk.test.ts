import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { Tally } from '../../demo/tally.js'
import { type Skipped, toText, walk } from '../../demo/walk.js'
import { tree } from './tree.js'

async function walked(folder: string): Promise<{ files: string[]; skipped: Skipped[] }> {
  const files: string[] = []
  const skipped: Skipped[] = []
  for await (const file of walk(Buffer.from(folder), s => skipped.push(s))) files.push(toText(file))
  return { files: files.sort(), skipped }
}

test('walk() finds every regular file, dot files and odd names too', async t => {
  const names = ['.hidden', 'a b', 'deep/er/file', 'naïve 漢字', 'line\nfeed', '*', '-n']
  const { files, skipped } = await walked(tree(t, Object.fromEntries(names.map(name => [name, 'x']))))
  assert.deepEqual(files, [...names].sort())
  assert.deepEqual(skipped, [])
})

test('walk() finds a file whose name is not UTF-8, and it can be counted', async t => {
  const folder = tree(t)
  execFileSync('sh', ['-c', `cd "$1" && printf 'two words' > "$(printf 'caf\\351')"`, 'sh', folder])
  const tally = new Tally()
  for await (const file of walk(Buffer.from(folder), nothingSkipped)) tally.count(Buffer.from(folder), file)
  assert.deepEqual([tally.files, tally.words, tally.skipped], [1, 2, []])
})

test('walk() follows no symbolic link: neither out of the tree nor in circles', async t => {
  const folder = tree(t, { 'in/file': 'x' })
  symlinkSync('..', path.join(folder, 'in/circle'))
  symlinkSync('/', path.join(folder, 'out'))
  symlinkSync('nowhere', path.join(folder, 'dangling'))
  const { files, skipped } = await walked(folder)
  assert.deepEqual(files, ['in/file'])
  assert.deepEqual(skipped.map(s => `${s.kind} ${s.path}`).sort(), ['link dangling', 'link in/circle', 'link out'])
})

test('walk() names a fifo and a folder that it cannot read, and goes on', async t => {
  const folder = tree(t, { file: 'x' })
  execFileSync('mkfifo', [path.join(folder, 'fifo')])
  tooDeep(folder)
  const { files, skipped } = await walked(folder)
  assert.deepEqual(files, ['file'])
  assert.deepEqual(skipped.map(s => `${s.kind} ${s.trouble}`).sort(), [
    'special not a regular file',
    'unreadable ENAMETOOLONG',
  ])
})

test('walk() names a folder that vanishes under way, and goes on', async t => {
  const folder = tree(t, { 'a/file': 'x', 'b/file': 'x', file: 'x' })
  const skipped: Skipped[] = []
  const files: string[] = []
  for await (const file of walk(Buffer.from(folder), s => skipped.push(s))) {
    files.push(file)
    if (file === 'file') for (const name of ['a', 'b']) rmSync(path.join(folder, name), { recursive: true })
  }
  assert.deepEqual(files, ['file'])
  assert.deepEqual(skipped.map(s => `${s.kind} ${s.path}`).sort(), ['vanished a/', 'vanished b/'])
})

test('Tally names a file that vanished between the walk and the count', async t => {
  const folder = tree(t, { gone: 'x', kept: 'one two' })
  const tally = new Tally()
  for await (const file of walk(Buffer.from(folder), nothingSkipped)) {
    if (file === 'gone') rmSync(path.join(folder, file))
    tally.count(Buffer.from(folder), file)
  }
  assert.deepEqual([tally.files, tally.words], [1, 2])
  assert.deepEqual(tally.skipped, [{ kind: 'vanished', path: 'gone', trouble: 'ENOENT' }])
})

function nothingSkipped(skipped: Skipped): never {
  assert.fail(`skipped ${skipped.path}`)
}

/** A chain of folders whose path is longer than any system call takes: unreadable for root too. */
function tooDeep(folder: string): void {
  const script = `cd "$1"; i=0; while [ $i -lt 25 ]; do mkdir "$2" && cd "$2" || exit 1; i=$((i+1)); done`
  execFileSync('bash', ['-c', script, 'bash', folder, 'd'.repeat(200)])
}

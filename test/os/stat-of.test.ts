// What a look at a pipe must not leave behind.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { statOf } from '#src/os/descriptor.js'
import { closeFd, createPipe } from '#src/os/pipe.js'

test('statOf() of a pipe: a module behind a symbolic link is still imported by its real path', async t => {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'multiproc-stat-')))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(path.join(folder, 'real'))
  for (const name of ['one', 'two'])
    writeFileSync(path.join(folder, 'real', `${name}.mjs`), 'export default import.meta.url\n')
  symlinkSync('real', path.join(folder, 'link'))
  const load = async (name: string) =>
    (await import(pathToFileURL(path.join(folder, 'link', `${name}.mjs`)).href)).default
  const real = (name: string) => pathToFileURL(path.join(folder, 'real', `${name}.mjs`)).href
  const pipe = createPipe()
  try {
    assert.ok(statOf(pipe.read).isPipe)
    assert.ok(!statOf(pipe.read).isSocket)
    assert.equal(statOf(pipe.write).inode, pipe.inode)
    assert.equal(await load('one'), real('one'))
    statOf(pipe.read)
    assert.equal(await load('two'), real('two'))
  } finally {
    closeFd(pipe.read)
    closeFd(pipe.write)
  }
})

// The program of docs/python.md: as it stands there, with the oldest and the newest CPython.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { checkout, run } from '../support/children.js'
import { pythons } from '../support/pythons.js'

const folder = path.join(checkout, 'examples/python-model-server')

test('the guide shows the example as it is, in less than 40 lines on either side', () => {
  const guide = readFileSync(path.join(checkout, 'docs/python.md'), 'utf8')
  for (const name of ['main.mjs', 'model.py']) {
    const text = readFileSync(path.join(folder, name), 'utf8')
    assert.ok(guide.includes(text), name)
    assert.ok(text.trimEnd().split('\n').length < 40, name)
  }
})

for (const python of new Set([pythons[0], pythons.at(-1)])) {
  if (python === undefined) test('the example', { skip: 'there is no CPython from 3.8 on' }, () => {})
  else
    test(`the example runs, and leaves nothing: CPython ${python.name}`, { timeout: 60_000 }, async () => {
      const { code, stdout, stderr } = await run([process.execPath, path.join(folder, 'main.mjs')], {
        env: { PYTHON: python.executable },
      })
      assert.equal(stderr, '')
      assert.equal(code, 0)
      assert.equal(stdout, '1000 rows, the last one scored 39980\n')
    })
}

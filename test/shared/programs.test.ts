// Whole programs, by what they print.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../support/children.ts'

const output = async (name: string): Promise<string> => {
  const program = fileURLToPath(new URL(`../fixtures/${name}.js`, import.meta.url))
  const { code, stdout, stderr } = await run([process.execPath, program])
  assert.deepEqual([code, stderr], [0, ''])
  return stdout
}

test('π in a Value and a negated SharedArray, as in the documentation of Python', async () => {
  assert.equal(await output('program-pi'), '3.1415927\n0 -1 -2 -3 -4 -5 -6 -7 -8 -9\n')
})

test('four ways to initialise a SharedArray, and a text', async () => {
  assert.equal(
    await output('program-initialise'),
    [
      'SharedInt32Array 0 0 0 0 0',
      'SharedFloat64Array 0.5 1.5 2.5',
      'SharedUint16Array 0 1 2 3',
      'SharedFloat32Array 1 2 4',
      'hello 5',
      '',
    ].join('\n'),
  )
})

// The classic programs, each run as a file of its own; what it prints is what it promises.
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { checkout, run } from '../support/children.ts'

const programs: [title: string, file: string, output: string][] = [
  [
    'a bounded queue that is filled and drained',
    'bounded-queue',
    'empty: true\nfull: true, 3 of 3\nno room for a fourth\nthe sum is 55\nempty: true, exit code 0\n',
  ],
  [
    'two producers, two consumers and two sentinels',
    'sentinels',
    '100 items, 100 different\n50 of a\n50 of b\nexit codes 0 0 0 0, left: 0\n',
  ],
  [
    'daemons that loop over a JoinableQueue end with the main program',
    'daemons',
    '20 squares, the sum is 2870\nthe end\n',
  ],
  ['two processes that answer each other on one queue', 'one-queue', 'are you there, yes\nempty: true\n'],
]

for (const [title, file, output] of programs) {
  test(title, async () => {
    const { code, signal, stdout, stderr, late } = await run([
      process.execPath,
      path.join(checkout, 'build/test/programs', `${file}.js`),
    ])
    assert.equal(late, false, stdout + stderr)
    assert.deepEqual([stdout, stderr, code, signal], [output, '', 0, null])
  })
}

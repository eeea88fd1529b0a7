// The classic programs, each run as a file of its own; what it prints is what it promises.
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { getAllStartMethods } from 'multiproc'
import { checkout, run, start, until } from '../support/children.ts'

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
  [
    'a thousand numbers through a pipe to its end',
    'pipe',
    'the sum is 500500\nand nothing after the end\nexit code 0\n',
  ],
  [
    'handles of every kind in one argument, by every start method',
    'every-handle',
    getAllStartMethods()
      .map(method => `${method} Process-n true task 0 31 3 -1 -2 7 8 bye 42 child 1\n`)
      .join(''),
  ],
  [
    'a CommonJS program whose children are functions of its own file',
    'common.cjs',
    'spawn 0 1 4 9\nwarm 0 1 4 9\nthread 0 1 4 9\n',
  ],
]

const program = (file: string) =>
  path.join(checkout, 'build/test/programs', path.extname(file) === '' ? `${file}.js` : file)

for (const [title, file, output] of programs) {
  test(title, async () => {
    const { code, signal, stdout, stderr, late } = await run([process.execPath, program(file)])
    assert.equal(late, false, stdout + stderr)
    assert.deepEqual([stdout, stderr, code, signal], [output, '', 0, null])
  })
}

for (const forgotten of [
  'open objects',
  'waits that are over',
  'idle spares',
  'daemons that never end',
  'what is shared by name',
  'process.exit() in the middle',
]) {
  test(`a program that leaves everything behind ends by itself, and nothing is left of it: ${forgotten}`, async () => {
    const child = start([process.execPath, program('forgetful'), forgotten])
    const { code, signal, stdout, stderr, late } = await child.ended
    assert.equal(late, false, stdout + stderr)
    assert.deepEqual([stdout, stderr, code, signal], ['the end\n', '', 0, null])
    await until(
      () => child.leftovers().length === 0,
      60_000,
      () => JSON.stringify(child.leftovers()),
    )
  })
}

test('a program that awaits something does not end before', async () => {
  const { code, stdout, stderr } = await run([process.execPath, program('forgetful'), 'a wait that is not over'])
  assert.deepEqual([stdout, stderr, code], ['the end\n', '', 0])
})

for (const how of ['awaiting', 'blocked']) {
  test(`Ctrl-C ends a program that is ${how}, its children and its spares`, async t => {
    const child = start([process.execPath, program('interrupted'), how])
    t.after(() => child.end())
    await child.printed('ready')
    process.kill(-child.pid, 'SIGINT') // as a terminal does: the whole group
    const { signal, stdout, stderr, late } = await child.ended
    assert.equal(late, false, stdout + stderr)
    assert.deepEqual([stdout, stderr, signal], ['ready\n', '', 'SIGINT'])
    await until(
      () => child.leftovers().length === 0,
      60_000,
      () => JSON.stringify(child.leftovers()),
    )
  })
}

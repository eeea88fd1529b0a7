// What a child prints when something goes wrong in it. After CPython's TestSubclassingProcess.test_stderr_flush.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Process, Target } from 'multiproc'
import * as broken from '../fixtures/process-broken.js'
import * as changing from '../fixtures/process-changing.js'
import * as common from '../fixtures/process-common.cjs'
import * as targets from '../fixtures/process-targets.js'
import { exceptByThread, launch, outputOf } from './support.js'

const output = (...[t, options]: Parameters<typeof launch>) => outputOf(launch(t, { ...options, stdio: 'pipe' }))
const file = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).href

test('an uncaught error is printed with the name of the process, its stack and its causes; exit code 1', async t => {
  const { stderr, exitCode } = await output(t, { target: targets.throwAtOnce, name: 'unlucky' })
  assert.match(
    stderr,
    /^unlucky \(pid \d+\) failed:\nError: outer trouble\n {4}at throwAtOnce \(.*process-targets\.js:\d+/,
  )
  assert.match(stderr, /\[cause\]: TypeError: inner trouble\n {6}at throwAtOnce/)
  assert.equal(exitCode, 1)
})

test('a rejected target is printed in the same way', async t => {
  const { stderr, exitCode } = await output(t, { target: targets.reject, name: 'unlucky' })
  assert.match(stderr, /^unlucky \(pid \d+\) failed:\nRangeError: rejected trouble\n {4}at reject \(/)
  assert.equal(exitCode, 1)
})

test('what is thrown and is no error is printed too', async t => {
  const { stderr, exitCode } = await output(t, { target: targets.throwText })
  assert.match(stderr, /failed:\n'a text, not an error'\n$/)
  assert.equal(exitCode, 1)
})

test('an error that cannot be shown still ends the child with exit code 1 and its name', async t => {
  const { stderr, exitCode } = await output(t, { target: targets.failStrangely, name: 'strange' })
  assert.match(stderr, /^strange \(pid \d+\) failed:\n/)
  assert.equal(exitCode, 1)
})

for (const [title, target, message] of [
  ['thrown', targets.throwLater, 'late trouble'],
  ['rejected', targets.rejectLater, 'late rejection'],
] as const) {
  test(`an error ${title} in the background, after the target returned, is printed; exit code 1`, async t => {
    const { stderr, exitCode } = await output(t, { target })
    assert.match(stderr, new RegExp(`\\(pid \\d+\\) failed:\\nError: ${message}\\n {4}at `))
    assert.equal(exitCode, 1)
  })
}

test('a listener of its own decides about errors in the background', async t => {
  const { stdout, stderr, exitCode } = await output(t, { target: targets.catchLater })
  assert.deepEqual([stdout, stderr, exitCode], ['caught late trouble', '', 3])
})

test('a promise that can never settle: exit code 13, and it is said', async t => {
  const { stderr, exitCode } = await output(t, { target: targets.never, name: 'waiter' })
  assert.match(stderr, /^waiter \(pid \d+\) ended while waiting for the promise of its target: nothing is left/)
  assert.equal(exitCode, 13)
})

test('a module that throws when it is imported: exit code 1, and the module is named', async t => {
  const { stderr, exitCode } = await output(t, { target: broken.work })
  assert.match(stderr, /failed while importing file:.*process-broken\.js:\nError: trouble at import\n {4}at /)
  assert.equal(exitCode, 1)
})

test('a module that lacks the export in the child: exit code 1, and it is said', async t => {
  const { stderr, exitCode } = await output(t, { target: changing.onlyInMain as () => void })
  assert.match(stderr, /to export a function `onlyInMain` in the child, but it does not; export it whether or not/)
  assert.equal(exitCode, 1)
})

test('a module that exports another function in the child: it is not called', async t => {
  const { stdout, stderr, exitCode } = await output(t, { target: changing.other })
  assert.match(stderr, /`other` of file:.*process-changing\.js to be the same function in the child/)
  assert.deepEqual([stdout, exitCode], ['', 1])
})

test('a CommonJS target is found in the child, by its function and by its name', async t => {
  const { listed } = (common as unknown as { default: { listed: () => void } }).default
  assert.equal((await output(t, { target: listed })).stdout, 'from CommonJS')
  for (const [name, said] of [
    ['listed', 'from CommonJS'],
    ['computed', 'computed'],
  ]) {
    const { stdout, stderr } = await output(t, { target: { module: file('process-common.cjs'), name } })
    assert.equal(stdout, said, stderr)
  }
})

for (const [title, target, exitCode] of [
  ['process.exit()', targets.writeMuchAndExit, 0],
  ['an uncaught error', targets.writeMuchAndThrow, 1],
] as const) {
  test(`what was written to a pipe before ${title} arrives whole`, async t => {
    const found = await output(t, { target: target as Target, args: [1_000_000] })
    assert.equal(found.stdout, 'x'.repeat(1_000_000))
    if (exitCode === 0) assert.equal(found.stderr, 'y'.repeat(1_000_000))
    else assert.match(found.stderr, /after much/)
    assert.equal(found.exitCode, exitCode)
  })
}

test(
  'a child keeps none of the descriptors of its siblings, and hands on none of the session to programs',
  exceptByThread('threads of a process share its descriptors'),
  async t => {
    const seen: { own: string[]; program: string }[] = []
    const sleepers: Process[] = []
    for (let n = 0; n < 3; n++) {
      seen.push(JSON.parse((await output(t, { target: targets.descriptors })).stdout))
      sleepers.push(launch(t, { target: targets.sleep, stdio: 'pipe' }))
    }
    const counts = seen.map(({ own }) => own.length)
    assert.deepEqual(counts, new Array(3).fill(counts[0]))
    for (const { own, program } of seen) {
      assert.equal(own.filter(target => target.includes('memfd:')).length > 0, true)
      assert.doesNotMatch(program, /memfd:/)
    }
  },
)

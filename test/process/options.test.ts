import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { Process, type ProcessOptions, setStartMethod } from 'multiproc'
import { inheritedExecArgv } from '#inside'
import * as targets from '../fixtures/process-targets.js'
import { run } from '../support/children.js'
import { ended, exceptByThread, launch, method, outputOf } from './support.js'

const told = async (...[t, options]: Parameters<typeof launch>) =>
  JSON.parse((await outputOf(launch(t, { ...options, stdio: 'pipe' }))).stdout)

const readsFromStdin = async (t: Parameters<typeof launch>[0]) =>
  (await outputOf(launch(t, { target: targets.copyStdin, stdio: 'pipe' }))).stdout

test('env is the whole environment; left out, it is that of the parent', async t => {
  process.env.MULTIPROC_TEST_VALUE = 'inherited'
  t.after(() => delete process.env.MULTIPROC_TEST_VALUE)
  assert.equal((await told(t, { target: targets.whoAmI })).env, 'inherited')
  assert.equal((await told(t, { target: targets.whoAmI, env: { MULTIPROC_TEST_VALUE: 'given' } })).env, 'given')
  assert.equal((await told(t, { target: targets.whoAmI, env: {} })).env, undefined)
})

const processWide = exceptByThread('threads share the working directory; thread-life.test.ts')

test('cwd is where the child runs; left out, it is that of the parent', processWide, async t => {
  const elsewhere = realpathSync(tmpdir())
  assert.equal((await told(t, { target: targets.whoAmI, cwd: elsewhere })).cwd, elsewhere)
  assert.equal((await told(t, { target: targets.whoAmI })).cwd, process.cwd())
})

test('a cwd that is no directory is refused at start()', processWide, () => {
  const child = new Process({ target: targets.nothing, cwd: '/no/such/folder' })
  assert.throws(() => child.start(), { code: 'ERR_MULTIPROC_ARGUMENT_RANGE', message: /`cwd` to be a directory/ })
})

test('what no program can be given is refused as the Process is made', () => {
  const refuses = (options: any, code: string, message: RegExp) =>
    assert.throws(() => new Process({ target: targets.nothing, ...options }), { code, message })
  refuses({ env: { A: 'a\0b' } }, 'ERR_MULTIPROC_ARGUMENT_RANGE', /`env\.A` to hold no NUL/)
  refuses({ execArgv: ['--title=a\0b'] }, 'ERR_MULTIPROC_ARGUMENT_RANGE', /`execArgv` to hold no NUL/)
  refuses({ cwd: '/\0' }, 'ERR_MULTIPROC_ARGUMENT_RANGE', /`cwd` to hold no NUL/)
  refuses({ env: { A: Symbol('x') } }, 'ERR_MULTIPROC_ARGUMENT_TYPE', /strings, got Symbol\(x\) \(symbol\) for A/)
})

test('a start method that is no text, or none of ours, is refused', () => {
  for (const bad of [5, null, undefined, ['spawn']] as any[]) {
    assert.throws(() => setStartMethod(bad), { code: 'ERR_MULTIPROC_ARGUMENT_TYPE', message: /spawn, warm, thread/ })
  }
  assert.throws(() => setStartMethod('fork' as any), { code: 'ERR_MULTIPROC_ARGUMENT_RANGE', message: /got "fork"/ })
})

test('execArgv takes the place of the options of the parent', async t => {
  const execArgv = [...(method === 'thread' ? [] : ['--stack-trace-limit=50']), '--no-deprecation']
  assert.deepEqual((await told(t, { target: targets.whoAmI, execArgv })).execArgv, execArgv)
})

test('execArgv left out: what belongs to one run of one program is not repeated', () => {
  const kept = [
    '--import',
    'tsx',
    '-r',
    './hook.js',
    '--conditions=model',
    '--max-old-space-size=100',
    '--enable-source-maps',
  ]
  const dropped = [
    ['--inspect'],
    ['--inspect-brk=127.0.0.1:9229'],
    ['--inspect-port', '0'],
    ['--inspect_wait'],
    ['--debug-port=1'],
    ['--test'],
    ['--test-name-pattern', 'queue'],
    ['--experimental-test-coverage'],
    ['--watch'],
    ['--watch-path', './src'],
    ['-e', '1 + 1'],
    ['--eval=1'],
    ['-p', 'process.pid'],
    ['-pe', '1'],
    ['--input-type=module'],
    ['-i'],
    ['--check'],
  ]
  assert.deepEqual(inheritedExecArgv([...kept, ...dropped.flat(), ...kept]), [...kept, ...kept])
})

test('a program given with --eval can start children', async () => {
  const target = new URL('../fixtures/process-targets.js', import.meta.url).href
  const { stdout, stderr } = await run([
    process.execPath,
    '--stack-trace-limit=33',
    '--input-type=module',
    '--eval',
    `import { Process } from 'multiproc'; const child = new Process({ target: { module: '${target}', name: 'whoAmI' } }); child.start()`,
  ])
  assert.deepEqual(JSON.parse(stdout).execArgv, ['--stack-trace-limit=33'], stderr)
})

test('stdio pipe gives both streams; stdin is empty', async t => {
  const child = launch(t, { target: targets.writeMuchAndThrow, args: [10], stdio: 'pipe' })
  const { stdout, stderr } = await outputOf(child)
  assert.equal(stdout, 'x'.repeat(10))
  assert.match(stderr, /after much/)
  assert.equal(await readsFromStdin(t), '')
})

test('stdio inherit and ignore give no streams', async t => {
  for (const stdio of ['inherit', 'ignore'] as const) {
    const child = launch(t, { target: targets.nothing, stdio })
    assert.deepEqual([child.stdout, child.stderr], [null, null])
    assert.equal(await ended(child), 0)
  }
})

test('memoryLimitMb ends a child that needs more', async t => {
  const child = launch(t, { target: targets.allocate, memoryLimitMb: 30, stdio: 'pipe' })
  const { stderr, exitCode } = await outputOf(child)
  assert.match(stderr, /heap out of memory/)
  assert.equal(exitCode, -6)
})

test(
  'memoryLimitMb stands after the options of the parent, so that it counts',
  exceptByThread('it is no option of Node there'),
  async t => {
    const { execArgv } = await told(t, {
      target: targets.whoAmI,
      execArgv: ['--max-old-space-size=900'],
      memoryLimitMb: 90,
    })
    assert.deepEqual(execArgv, ['--max-old-space-size=900', '--max-old-space-size=90'])
  },
)

for (const [title, options, code] of [
  ['no options', undefined, 'TYPE'],
  ['no target', {}, 'TYPE'],
  ['an unknown option', { target: targets.nothing, demon: true }, 'TYPE'],
  ['args that are no array', { target: targets.nothing, args: 'abc' }, 'TYPE'],
  ['a name that is no string', { target: targets.nothing, name: 5 }, 'TYPE'],
  ['a name with a NUL', { target: targets.nothing, name: 'a\0b' }, 'RANGE'],
  ['a daemon that is neither true nor false', { target: targets.nothing, daemon: 'yes' }, 'TYPE'],
  ['an env that is no object', { target: targets.nothing, env: 'A=1' }, 'TYPE'],
  ['execArgv that are no strings', { target: targets.nothing, execArgv: [1] }, 'TYPE'],
  ['a cwd that is no string', { target: targets.nothing, cwd: 1 }, 'TYPE'],
  ['another stdio', { target: targets.nothing, stdio: 'tty' }, 'TYPE'],
  ['a memoryLimitMb of 0', { target: targets.nothing, memoryLimitMb: 0 }, 'RANGE'],
  ['a fractional memoryLimitMb', { target: targets.nothing, memoryLimitMb: 1.5 }, 'RANGE'],
] as [string, unknown, string][]) {
  test(`new Process() with ${title} throws a typed error`, () => {
    assert.throws(() => new Process(options as ProcessOptions<[]>), { code: `ERR_MULTIPROC_ARGUMENT_${code}` })
  })
}

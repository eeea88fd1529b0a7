// The package as its user meets it: what is in it, and what an import does, which is nothing.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { checkout, run, runNode } from './support/children.ts'

const manifest = JSON.parse(readFileSync(path.join(checkout, 'package.json'), 'utf8'))

test('npm pack: the package holds dist/, README, LICENSE, CHANGELOG and package.json, and nothing else', async () => {
  const { code, stdout, stderr } = await run(['npm', 'pack', '--dry-run', '--json', '--ignore-scripts'], {
    deadline: 120_000,
  })
  assert.equal(code, 0, stderr)
  const files: string[] = JSON.parse(stdout)[0].files.map((file: { path: string }) => file.path)
  const outside = files.filter(file => !file.startsWith('dist/'))
  assert.deepEqual(
    outside.filter(file => !['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json'].includes(file)),
    [],
  )
  for (const file of ['LICENSE', 'README.md', 'package.json']) assert.ok(outside.includes(file), file)
  for (const file of ['dist/index.js', 'dist/index.d.ts']) assert.ok(files.includes(file), file)
})

test('npm pack: every file the package depends on at run time is a dependency', () => {
  assert.deepEqual(Object.keys(manifest.dependencies).sort(), ['es-module-lexer', 'koffi', 'msgpackr'])
})

const observe = `
  import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
  const look = () => ({
    threads: readdirSync('/proc/self/task').length,
    memory: readdirSync('/proc/self/fd').filter(fd => {
      try { return readlinkSync('/proc/self/fd/' + fd).includes('memfd:') } catch { return false }
    }).length,
    descriptors: readdirSync('/proc/self/fd').length,
    native: readFileSync('/proc/self/maps', 'utf8').split('\\n').filter(line => /koffi|memfd/.test(line)).length,
    resources: process.getActiveResourcesInfo(),
    listeners: process.eventNames().map(name => [String(name), process.listenerCount(name)]),
    globals: Object.keys(globalThis).length,
  })
`

test('import maps nothing and starts nothing', async context => {
  const { code, stdout, stderr } = await runNode(`${observe}
    // Node's own: reading a module starts libuv's threads, node:util of Node 26 opens the standard streams. Let them be there before
    await import('node:util'); void [process.stdout, process.stderr]
    const { readFile } = await import('node:fs/promises')
    const settle = () => new Promise(resolve => setTimeout(resolve, 20))
    await Promise.all(Array.from({ length: 16 }, () => readFile('/proc/self/stat'))); await settle()
    const before = look(), start = performance.now()
    await import('multiproc')
    const ms = performance.now() - start
    await settle()
    console.log(JSON.stringify({ before, after: look(), ms }))
  `)
  assert.equal(code, 0, stderr)
  assert.equal(stderr, '')
  const { before, after, ms } = JSON.parse(stdout)
  context.diagnostic(`import took ${ms.toFixed(1)} ms`)
  assert.deepEqual(after, before)
  assert.deepEqual([after.memory, after.native], [0, 0])
})

test('import maps nothing and starts nothing: a first object does, so the test above can see it', async () => {
  const { code, stdout, stderr } = await runNode(`${observe}
    const { Lock } = await import('multiproc')
    const lock = new Lock()
    const after = look()
    console.log(JSON.stringify({ after, locked: lock.locked() }))
    process.exit(0)
  `)
  assert.equal(code, 0, stderr)
  const { after } = JSON.parse(stdout)
  assert.ok(after.native > 0 && after.memory > 0, stdout)
})

const exported = `
  ArgumentRangeError ArgumentTypeError ArrayProxy AuthenticationError Barrier BarrierProxy BaseManager BaseProxy
  BoundedSemaphore BrokenBarrierError BrokenPipeError BufferTooShortError ByteArray Client ClosedError Condition
  ConditionProxy Connection DictProxy EOFError EmptyError Event EventProxy FileExistsError FileNotFoundError FrozenSet
  FullError InvalidStateError InvalidTargetError IteratorProxy JoinableQueue JoinableQueueProxy ListProxy Listener
  Lock LockProxy Manager MultiprocError NamespaceProxy NotSerializableError OutOfSharedMemoryError Pipe Pool
  PoolProxy PreciseDate Process ProcessPoolExecutor PyFloat PythonDate PythonDatetime PythonError PythonGlobal PythonObject
  PythonTime PythonTimedelta Queue QueueProxy RLock RLockProxy RawArray RawValue RemoteError Semaphore SemaphoreProxy
  SetProxy ShareableList SharedArray SharedMemory SharedMemoryManager ShutDownError SimpleQueue SyncManager
  TimeoutError Tuple UnpicklingError UnsupportedPlatformError Value ValueProxy WorkerDiedError activeChildren cpuCount
  currentProcess currentTask dumps freezeSupport getAllStartMethods getContext getStartMethod inspect isMainProcess
  loads parentProcess registerClass setStartMethod share tuple wait`

test('MiscTestCase.test__all__ — these names are exported, and no others', async () => {
  assert.deepEqual(Object.keys(await import('multiproc')).sort(), exported.trim().split(/\s+/))
})

test('A class or function has the name by which it is exported', async () => {
  for (const names of [await import('multiproc'), await import('multiproc/posix')]) {
    for (const [name, value] of Object.entries(names)) if (typeof value === 'function') assert.equal(value.name, name)
  }
})

test('multiproc/posix exports these names, and no others, and its import maps and starts nothing', async () => {
  const { code, stdout, stderr } = await runNode(`${observe}
    await import('multiproc')
    const before = look()
    const names = Object.keys(await import('multiproc/posix')).sort()
    const after = look()
    console.log(JSON.stringify({ names, before: [before.native, before.listeners], after: [after.native, after.listeners] }))
  `)
  assert.equal(code, 0, stderr)
  const { names, before, after } = JSON.parse(stdout)
  assert.deepEqual(names, [
    'MessageQueue',
    'NamedPipe',
    'NamedSemaphore',
    'PipeEnd',
    'SystemCallError',
    'pipe',
    'sendSignal',
    'waitForSignal',
  ])
  assert.deepEqual(after, before)
})

test('require() gives the same names as import', async () => {
  const { code, stdout, stderr } = await run([
    process.execPath,
    '--input-type=commonjs',
    '--eval',
    "const a = require('multiproc'); import('multiproc').then(b => console.log(JSON.stringify([Object.keys(a).sort(), Object.keys(b).sort(), a.Queue === b.Queue])))",
  ])
  assert.equal(code, 0, stderr)
  const names = (list: string[]) =>
    list.filter(name => name !== 'default' && name !== '__esModule' && name !== 'module.exports')
  const [required, imported, same] = JSON.parse(stdout)
  assert.deepEqual(names(required), names(imported))
  assert.equal(same, true)
})

const elsewhere = (property: string, value: string) =>
  `data:text/javascript,Object.defineProperty(process,${encodeURIComponent(JSON.stringify(property))},{value:${encodeURIComponent(JSON.stringify(value))}})`

for (const [property, value] of [
  ['platform', 'win32'],
  ['platform', 'darwin'],
  ['arch', 'ia32'],
])
  test(`import is safe where process.${property} is ${value}; the first object throws UnsupportedPlatformError`, async () => {
    const { code, stdout, stderr } = await runNode(
      `import { Lock, Queue, UnsupportedPlatformError } from 'multiproc'

       for (const make of [() => new Lock(), () => new Queue()])
         try { make(); console.log('made') }
         catch (error) { console.log(error instanceof UnsupportedPlatformError, error.code, error.message) }`,
      { execArgv: ['--import', elsewhere(property, value)] },
    )
    assert.equal(code, 0, stderr)
    for (const line of stdout.trim().split('\n'))
      assert.match(line, new RegExp(`^true ERR_MULTIPROC_UNSUPPORTED_PLATFORM .*${value}`))
    assert.equal(stdout.trim().split('\n').length, 2)
  })

// Start methods and contexts: which there are, who starts in which way, and what a child finds around it.
import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as multiproc from 'multiproc'
import { getAllStartMethods, getContext, getStartMethod, Process, Queue, setStartMethod } from 'multiproc'
import * as targets from '../../fixtures/conformance-process.js'
import { LIMIT } from '../implementation.ts'
import type { ProcessSuite } from '../process.ts'
import { ended } from '../suite.ts'

export function methods({ method, test, launch }: ProcessSuite): void {
  test('getContext(): what starts children is the public class, bound; every other class is the very same', () => {
    const context = getContext(method)
    assert.equal(context, getContext(method))
    const exported = multiproc as Record<string, any>
    const bound = ['Process', 'Pool', 'ProcessPoolExecutor', 'BaseManager', 'SyncManager'] as const
    for (const name of bound) {
      assert.equal(context[name].name, name)
      assert.ok(context[name].prototype instanceof exported[name], name)
    }
    assert.equal(typeof context.Manager, 'function')
    const others = [...bound, 'Manager', 'getStartMethod', 'setStartMethod', 'getContext']
    for (const [name, member] of Object.entries(context)) {
      if (others.includes(name)) continue
      assert.equal(member, exported[name], name)
    }
    class Mine extends context.Process {}
    assert.ok(new Mine({ target: targets.nothing }) instanceof Process)
  })

  test('a Process keeps the way of its context; one without goes by setStartMethod() at its start', async t => {
    const queue = new Queue<targets.Told>()
    const before = getStartMethod()
    t.after(() => setStartMethod(before))
    const bound = new (getContext(method).Process)({ target: targets.whoAmI, args: [queue] })
    const free = new Process({ target: targets.whoAmI, args: [queue] })
    for (const [child, other] of [
      [bound, 'spawn'],
      [free, method],
    ] as const) {
      setStartMethod(other)
      child.start()
      t.after(() => child.kill())
      assert.equal((await queue.get({ timeout: LIMIT })).method, method)
      assert.equal(await ended(child), 0)
    }
    queue.close()
  })

  const told = async (...[t, options]: Parameters<typeof launch>) => {
    const queue = new Queue<targets.Told>()
    const child = launch(t, { target: targets.whoAmI, args: [queue], ...(options as object) })
    const found = await queue.get({ timeout: LIMIT })
    assert.equal(await ended(child), 0)
    queue.close()
    return found
  }
  const around = (t: Parameters<typeof launch>[0], options: object) => told(t, options as Parameters<typeof launch>[1])

  test('Process env: the whole environment, its own; left out, that of the parent at this moment', async t => {
    process.env.MULTIPROC_TEST_LATE = 'set after the first child'
    assert.equal((await around(t, {})).env.MULTIPROC_TEST_LATE, 'set after the first child')
    delete process.env.MULTIPROC_TEST_LATE
    assert.deepEqual((await around(t, {})).env, { ...process.env })
    const env = { ...process.env, ADDED: 'yes', EMPTY: '', NONE: undefined, PATH: undefined }
    const found = (await around(t, { env })).env
    assert.deepEqual([found.ADDED, found.EMPTY, 'NONE' in found, 'PATH' in found], ['yes', '', false, false])
    assert.deepEqual((await around(t, { env: { ONLY: 'this' } })).env, { ONLY: 'this' })
    assert.equal(process.env.ADDED, undefined)
  })

  test('Process cwd: where the child runs; left out, where the parent is at this moment', async t => {
    const [here, elsewhere] = [process.cwd(), realpathSync(tmpdir())]
    t.after(() => process.chdir(here))
    assert.equal((await around(t, { cwd: elsewhere })).cwd, elsewhere)
    assert.equal((await around(t, {})).cwd, here)
    process.chdir(elsewhere)
    assert.equal((await around(t, {})).cwd, elsewhere)
    assert.equal((await around(t, { cwd: '..' })).cwd, realpathSync('..'))
  })

  test('Process execArgv takes the place of the options of the parent', async t => {
    const execArgv = ['--stack-trace-limit=50']
    assert.deepEqual((await around(t, { execArgv })).execArgv, execArgv)
  })

  test('Process: NODE_OPTIONS in env counts', async t => {
    const env = { ...process.env, NODE_OPTIONS: '--max-http-header-size=1234' }
    assert.equal((await around(t, { env })).env.NODE_OPTIONS, env.NODE_OPTIONS)
  })

  test('Process: argv is that of the parent, umask too, whatever they were when others started', async t => {
    const [argv, umask] = [[...process.argv], process.umask()]
    t.after(() => {
      process.argv.splice(0, Infinity, ...argv)
      process.umask(umask)
    })
    process.argv.splice(2, Infinity, 'one', 'two words')
    process.umask(0o077)
    const found = await around(t, {})
    assert.deepEqual(found.argv.slice(2), ['one', 'two words'])
    assert.equal(found.umask, 0o077)
  })

  test('setStartMethod() and getContext() refuse what there is not, and say what there is', () => {
    for (const ask of [setStartMethod, getContext]) {
      for (const bad of ['fork', '', 5, null, {}]) {
        assert.throws(() => ask(bad as 'spawn'), {
          code: typeof bad === 'string' ? 'ERR_MULTIPROC_ARGUMENT_RANGE' : 'ERR_MULTIPROC_ARGUMENT_TYPE',
          message: new RegExp(`one of those this version has \\(${getAllStartMethods().join(', ')}\\)`),
        })
      }
      assert.throws(() => ask('spawn', { spares: 2 }), { code: 'ERR_MULTIPROC_ARGUMENT_TYPE' })
      assert.throws(() => ask('warm', { spares: -1 }), { code: 'ERR_MULTIPROC_ARGUMENT_RANGE' })
      assert.throws(() => ask('warm', { spare: 1 } as object), { code: 'ERR_MULTIPROC_ARGUMENT_TYPE' })
    }
  })
}

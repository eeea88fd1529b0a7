// CPython's own tests, Lib/test/_test_multiprocessing.py, told anew under their names: contexts, and what children have from their parent.
import assert from 'node:assert/strict'
import { getAllStartMethods, getContext, getStartMethod, Queue, type StartMethod, setStartMethod } from 'multiproc'
import * as targets from '../../../fixtures/conformance-process.js'
import { LIMIT } from '../../implementation.ts'
import type { ProcessSuite } from '../../process.ts'
import { ended } from '../../suite.ts'

export function startMethods({ method, test, launch }: ProcessSuite): void {
  test('TestStartMethod.test_context — a context says its method, gives itself, refuses changes; its child has the same method', async t => {
    const context = getContext(method)
    assert.equal(context.getStartMethod(), method)
    assert.equal(context.getContext(), context)
    for (const other of getAllStartMethods()) {
      assert.throws(() => context.setStartMethod(other), { code: 'ERR_MULTIPROC_INVALID_STATE' })
    }
    const queue = new Queue<targets.Told>()
    for (const target of [targets.whoAmI, targets.whoIsMyChild]) {
      launch(t, { target, args: [queue] })
      assert.equal((await queue.get({ timeout: LIMIT })).method, method)
    }
    queue.close()
  })

  test('TestStartMethod.test_spawn_dont_set_context — a context leaves the method of the rest of the program alone', async t => {
    const before = getStartMethod()
    const other = getAllStartMethods().find(one => one !== method) as StartMethod
    t.after(() => setStartMethod(before))
    setStartMethod(other)
    assert.equal(await ended(launch(t, { target: targets.nothing })), 0)
    assert.equal(getStartMethod(), other)
  })

  test('TestStartMethod.test_set_get — the method can be set to each that there is, again and again', async t => {
    const before = getStartMethod()
    t.after(() => setStartMethod(before))
    for (const one of [...getAllStartMethods(), ...getAllStartMethods()]) {
      setStartMethod(one)
      assert.equal(getStartMethod(), one)
      assert.equal(getContext().getStartMethod(), one)
      assert.equal(getContext(), getContext(one))
    }
  })

  test('TestStartMethod.test_get_all_start_methods — all that there are, the default first', () => {
    const all = getAllStartMethods()
    assert.deepEqual(
      [all[0], all.includes('warm'), all.includes(method), new Set(all).size],
      ['spawn', true, true, all.length],
    )
  })

  test('TestStartMethod.test_nested_startmethod, TestStdinBadfiledescriptor.test_queue_in_process — a child hands its queue on to a child of its own', async t => {
    const queue = new Queue<string[]>()
    const child = launch(t, { target: targets.sendOn, args: [queue as never] })
    assert.deepEqual(await queue.get({ timeout: LIMIT }), ['from a grandchild'])
    assert.equal(await ended(child), 0)
    queue.close()
  })

  test('TestFlags.test_flags — options of Node are the same in a child and a grandchild', async t => {
    const execArgv = ['--stack-trace-limit=77', '--no-deprecation']
    const queue = new Queue<targets.Told>()
    launch(t, { target: targets.whoIsMyChild, args: [queue], execArgv })
    assert.deepEqual((await queue.get({ timeout: LIMIT })).execArgv, execArgv)
    queue.close()
  })

  test('TestSpawnedSysPath.test_child_sys_path — a child finds the packages that its parent finds', async t => {
    const queue = new Queue<string>()
    launch(t, { target: targets.resolveHere, args: [queue] })
    assert.equal(await queue.get({ timeout: LIMIT }), import.meta.resolve('multiproc'))
    queue.close()
  })
}

// Who comes by a name, and what they get.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { inspect, type Lock, share } from 'multiproc'
import { attachInChild } from '../../fixtures/conformance-share.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, type Suite } from '../suite.ts'
import { fresh, output, program } from './program.ts'

export function attaching({ make, test }: Suite): void {
  test('share() gives what create makes; called again it gives the same handle and creates nothing', async () => {
    const name = fresh()
    let made: Lock | undefined
    const lock = await share(name, async () => {
      made = await make.lock()
      return made
    })
    assert.equal(lock, made)
    const again = await share(name, () => assert.fail('created twice'))
    assert.equal(again, lock)
    lock.close()
  })

  test('share() gives programs that did not start each other the same objects', async t => {
    const name = fresh()
    const { jobs, done } = await share(name, async () => ({
      jobs: await make.queue<number>(),
      done: await make.queue<unknown>(),
    }))
    const programs = [1, 2].map(() =>
      program(
        t,
        `const { jobs, done } = await share(name, () => { throw new Error('it is there') })
         for await (const n of jobs) done.putSync([n * n, process.pid])`,
        { name },
      ),
    )
    for (let n = 0; n < 20; n++) await jobs.put(n)
    const results = []
    for (let n = 0; n < 20; n++) results.push((await done.get({ timeout: LIMIT })) as [number, number])
    assert.deepEqual(
      results.map(([square]) => square).sort((a, b) => a - b),
      [...Array(20).keys()].map(n => n * n),
    )
    for (const [, pid] of results) assert.ok(programs.some(one => one.pid === pid))
    jobs.shutdown()
    for (const one of programs) await output(one)
  })

  test('share(): a value of several handles and plain data: the data is copied, the handles are the same objects', async t => {
    const name = fresh()
    const shared = await share(name, async () => {
      const lock = await make.lock()
      return { list: [lock, await make.event()] as const, again: lock, limits: { most: 3 }, when: new Date(7) }
    })
    assert.equal(shared.again, shared.list[0])
    const said = await output(
      program(
        t,
        `const value = await share(name, () => null)
         value.limits.most = 4
         value.list[1].set()
         console.log(JSON.stringify([value, value.again === value.list[0], value.when instanceof Date]))`,
        { name },
      ),
    )
    assert.equal(said, '[{"list":[{},{}],"again":{},"limits":{"most":4},"when":"1970-01-01T00:00:00.007Z"},true,true]')
    assert.equal(shared.list[1].isSet(), true)
    const again = (await share(name, () => assert.fail('created twice'))) as typeof shared
    assert.equal(again.again, shared.again)
    assert.deepEqual(again.limits, { most: 3 })
    for (const handle of shared.list) handle.close()
  })

  test('share() in a Process, and in one that a Process started, gives what its parent shares', async t => {
    const name = fresh()
    const queue = await share(name, () => make.queue<string>())
    const children = [1, 2].map(depth => launch(t, make, attachInChild, name, depth))
    const said = [await queue.get({ timeout: LIMIT }), await queue.get({ timeout: LIMIT })]
    assert.deepEqual(said.sort(), ['depth 0 of 1', 'depth 0 of 2'])
    for (const child of children) assert.equal(await ended(child), 0)
    queue.close()
  })

  test('share() in children of node:child_process.fork()', async t => {
    const name = fresh()
    const queue = await share(name, () => make.queue<number>())
    const file = fileURLToPath(new URL('../../fixtures/conformance-share-worker.js', import.meta.url))
    const children = [1, 2].map(() => fork(file, [name], { stdio: 'ignore' }))
    t.after(() => {
      for (const child of children) child.kill('SIGKILL')
    })
    const pids = [await queue.get({ timeout: LIMIT }), await queue.get({ timeout: LIMIT })]
    assert.deepEqual(pids.sort(), children.map(({ pid }) => pid).sort())
    queue.close()
  })

  test('share() in the workers of node:cluster', async t => {
    const name = fresh()
    const queue = await share(name, () => make.queue<number>())
    const exec = fileURLToPath(new URL('../../fixtures/conformance-share-worker.js', import.meta.url))
    cluster.setupPrimary({ exec, args: [name], execArgv: [], silent: true })
    const workers = [cluster.fork(), cluster.fork()]
    t.after(() => {
      for (const worker of workers) worker.process.kill('SIGKILL')
    })
    const pids = [await queue.get({ timeout: LIMIT }), await queue.get({ timeout: LIMIT })]
    assert.deepEqual(pids.sort(), workers.map(({ process: { pid } }) => pid).sort())
    queue.close()
  })

  test('share() in a worker thread: it is a participant of its own', async t => {
    const name = fresh()
    const lock = await share(name, () => make.lock())
    const held = await lock.acquire()
    const worker = new Worker(
      `import('multiproc').then(async ({ share }) => {
        const lock = await share('${name}', () => null)
        require('node:worker_threads').parentPort.postMessage(lock.holder)
        await lock.acquire()
        setInterval(() => {}, 1000)
      })`,
      { eval: true },
    )
    t.after(() => worker.terminate())
    const holder = await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    assert.equal(holder, process.pid)
    const waiting = () => inspect().participants.find(one => one.thread !== 0 && one.pid === process.pid)?.waitingFor
    while (waiting()?.length !== 1) await new Promise(setImmediate)
    held.release()
    while (lock.holder === null) await new Promise(setImmediate)
    await worker.terminate()
    const after = await lock.acquire({ timeout: LIMIT })
    assert.equal(after.abandoned, true)
    after.release()
    lock.close()
  })

  test('share() in one worker thread after another maps the memory once, and leaves no descriptor but the name open', async () => {
    const name = fresh()
    const lock = await share(name, () => make.lock())
    const maps = () => readFileSync('/proc/self/maps', 'utf8').split('multiproc-commons').length
    const open = () => readdirSync('/proc/self/fd').length
    const once = async () => {
      const worker = new Worker(
        `import('multiproc').then(async ({ share }) => {
          const lock = await share('${name}', () => null)
          await lock.acquire()
        })`,
        { eval: true },
      )
      assert.equal(await new Promise(resolve => worker.once('exit', resolve)), 0)
    }
    await once()
    const before = [maps(), open()]
    for (let i = 0; i < 3; i++) await once()
    assert.deepEqual([maps(), open()], before)
    lock.close()
  })

  test('share() called twice at once in one process creates once', async () => {
    const name = fresh()
    let created = 0
    const create = async () => {
      created++
      await new Promise(setImmediate)
      return make.lock()
    }
    const [one, other] = await Promise.all([share(name, create), share(name, create)])
    assert.equal(created, 1)
    assert.equal(one, other)
    one.close()
  })

  test('share(): names of 1 and of 255 bytes, with spaces, dots and letters of any script, are names of their own', async () => {
    const names = ['x', `${fresh()} .@日本`, fresh().padEnd(255, '.'), fresh().padEnd(255, ','), '\u{1F512}'.repeat(63)]
    const locks = await Promise.all(names.map(name => share(name, () => make.lock())))
    assert.equal(new Set(locks).size, names.length)
    for (const [i, name] of names.entries()) assert.equal(await share(name, () => assert.fail()), locks[i])
    for (const lock of locks) lock.close()
  })

  test('share() with a name that cannot be is refused at the call', async () => {
    const create = () => assert.fail('created')
    for (const name of ['', 'a/b', 'a\0b', 'x'.repeat(256), 'ö'.repeat(128), '\ud800']) {
      await assert.rejects(share(name, create), {
        name: 'ArgumentRangeError',
        message: /^Expected `name` to be 1 to 255 bytes/,
      })
    }
    for (const name of [undefined, 7, null, {}]) {
      await assert.rejects(share(name as never, create), { name: 'ArgumentTypeError' })
    }
    await assert.rejects(share(fresh(), undefined as never), { name: 'ArgumentTypeError' })
    await assert.rejects(share(fresh(), create, { timeout: -1 }), { name: 'ArgumentRangeError' })
    await assert.rejects(share(fresh(), create, { wait: 1 } as never), { name: 'ArgumentTypeError' })
  })
}

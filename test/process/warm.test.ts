// What is true of 'warm' alone: spares that boot in advance, are used once, and are never seen otherwise. What it has in
// common with the other ways is in test/conformance/process.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { activeChildren, getContext, Process, type ProcessOptions, Queue, setStartMethod } from 'multiproc'
import { check, currentSession, participants } from '#inside'
import { stateOf, ticksOf } from '../conformance/stat.ts'
import * as targets from '../fixtures/conformance-process.js'
import { type Ended, run, start, until } from '../support/children.js'
import { launched } from '../support/launched.js'
import { childPids, isAlive } from '../support/processes.js'
import { ended, LIMIT } from './support.js'

const program = fileURLToPath(new URL('../fixtures/process-spares.js', import.meta.url))

test.afterEach(() => setStartMethod('spawn'))

/** The living spares of this process. */
const sparePids = () => childPids().filter(pid => !activeChildren().some(child => child.pid === pid))

/** Waits until as many spares are there, each asleep: it has booted and waits for its order. */
async function spares(count: number): Promise<number[]> {
  setStartMethod('warm', { spares: count })
  let calm = 0
  let before = ''
  const ready = () => {
    const pids = sparePids()
    const now = pids
      .map(pid => `${pid} ${isAlive(pid) ? `${stateOf(`/proc/${pid}`)} ${ticksOf(`/proc/${pid}`)}` : ''}`)
      .join()
    calm = pids.length === count && now === before && !now.includes('R') ? calm + 1 : 0
    before = now
    return calm > 40
  }
  await until(ready, LIMIT, `${count} spares to be ready`)
  return sparePids()
}

type Lasting = Parameters<typeof launched>[0]

function launch<A extends unknown[]>(t: Lasting, options: ProcessOptions<A>): Process<A> {
  return launched(t, new Process<A>(options))
}

const tell = async (t: Lasting, options: object = {}): Promise<targets.Told> => {
  const queue = new Queue<targets.Told>()
  const child = launch(t, { target: targets.whoAmI, args: [queue], ...options })
  const told = await queue.get({ timeout: LIMIT })
  assert.equal(await ended(child), 0)
  assert.equal(told.pid, child.pid)
  queue.close()
  return told
}

test('warm: a child is the spare that was booted first; it is replaced, and none is used twice', async t => {
  const used = new Set<number>()
  for (let round = 0; round < 4; round++) {
    const there = await spares(2)
    const { pid } = await tell(t)
    assert.ok(there.includes(pid), `${pid} was no spare: ${there}`)
    assert.ok(!used.has(pid))
    used.add(pid)
  }
})

test('warm: a spare is no child, and nobody in the session', async () => {
  const [spare] = await spares(1)
  assert.deepEqual(activeChildren(), [])
  assert.deepEqual(
    participants(currentSession().w).map(({ pid }) => pid),
    [process.pid],
  )
  assert.ok(isAlive(spare))
})

test('warm: start() and joinSync() need no turn of the event loop, whether the spare has booted or not', async t => {
  await spares(1)
  const first = launch(t, { target: targets.exitWith, args: [3] })
  first.joinSync({ timeout: LIMIT })
  assert.equal(first.exitCode, 3)
  await spares(0)
  setStartMethod('warm', { spares: 1 })
  const [booting] = childPids()
  const second = launch(t, { target: targets.exitWith, args: [4] })
  assert.equal(second.pid, booting)
  second.joinSync({ timeout: LIMIT })
  assert.equal(second.exitCode, 4)
})

test('warm: a spare that said it is ready, unheard, still reads its order', async t => {
  await spares(0)
  setStartMethod('warm', { spares: 1 })
  const [pid] = childPids()
  // no turn of the event loop until it waits for its order
  const deadline = Date.now() + LIMIT
  for (let calm = 0, before = -1; calm < 200 && Date.now() < deadline; ) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    const now = stateOf(`/proc/${pid}`) === 'S' ? ticksOf(`/proc/${pid}`) : -1
    calm = now >= 0 && now === before ? calm + 1 : 0
    before = now
  }
  const child = launch(t, { target: targets.exitWith, args: [5] })
  assert.equal(child.pid, pid)
  child.joinSync({ timeout: LIMIT })
  assert.equal(child.exitCode, 5)
})

test('warm: when all spares are taken children are started cold', async t => {
  const there = await spares(2)
  const children = [1, 2, 3, 4].map(code => launch(t, { target: targets.exitWith, args: [code] }))
  assert.equal(children.filter(({ pid }) => there.includes(pid as number)).length, 2)
  assert.deepEqual(await Promise.all(children.map(ended)), [1, 2, 3, 4])
})

for (const [title, options] of [
  ['execArgv', { execArgv: ['--no-deprecation'] }],
  ['memoryLimitMb', { memoryLimitMb: 100 }],
  ["stdio 'pipe'", { stdio: 'pipe' }],
  ["stdio 'ignore'", { stdio: 'ignore' }],
  ['NODE_OPTIONS in env', { env: { ...process.env, NODE_OPTIONS: '--no-warnings' } }],
  ['LANG in env', { env: { ...process.env, LANG: 'xx' } }],
  ['an env without what was there when the spare booted', { env: {} }],
  ['a name that is very long', { name: 'n'.repeat(600) }],
] as [string, object][]) {
  test(`warm: ${title} that a spare cannot be given is given to a cold child; the spare stays for another`, async t => {
    process.env.LC_TEST = 'there'
    t.after(() => delete process.env.LC_TEST)
    const there = await spares(1)
    const { pid, name } = await tell(t, options)
    assert.ok(!there.includes(pid))
    if ('name' in options) assert.equal(name, options.name)
    assert.deepEqual(childPids(), there)
    assert.ok(there.includes((await tell(t)).pid))
  })
}

test('warm: what a spare can be given it is given: env, cwd, name, daemon, argv', async t => {
  process.env.MULTIPROC_TEST_GONE = 'by then'
  const there = await spares(1)
  delete process.env.MULTIPROC_TEST_GONE
  const env = { ...process.env, ADDED: 'yes' }
  const told = await tell(t, { env, cwd: '/', name: 'a ✓ name', daemon: true })
  assert.ok(there.includes(told.pid))
  assert.deepEqual([told.name, told.daemon, told.cwd], ['a ✓ name', true, '/'])
  assert.deepEqual(told.env, env)
  assert.deepEqual(told.argv.slice(2), process.argv.slice(2))
})

test('warm: a cwd or an env that no process can have is refused at start(), as with spawn; the spare stays', async () => {
  const there = await spares(1)
  const { nothing: target } = targets
  assert.throws(() => new Process({ target, cwd: '/no/such/folder' }).start(), {
    code: 'ERR_MULTIPROC_ARGUMENT_RANGE',
  })
  assert.throws(() => new Process({ target, env: { A: 'a\0b' } }).start(), { code: 'ERR_MULTIPROC_ARGUMENT_RANGE' })
  assert.throws(() => new Process({ target: targets.give, args: [(() => 1) as never] }).start(), {
    code: 'ERR_MULTIPROC_NOT_SERIALIZABLE',
  })
  assert.deepEqual(childPids(), there)
  assert.equal(participants(currentSession().w).length, 1)
})

test('warm: spares from before this process changed its umask are not used any more', async t => {
  const there = await spares(1)
  const umask = process.umask(0o027)
  t.after(() => process.umask(umask))
  const { pid, umask: given } = await tell(t)
  assert.ok(!there.includes(pid))
  assert.equal(given, 0o027)
  await until(() => !there.some(isAlive), LIMIT, 'the end of the old spare')
  assert.ok((await spares(1)).includes((await tell(t)).pid))
})

// CPython's own, about its server of forks
for (const [name, signal] of [
  ['TestProcess.test_forkserver_sigint', 'SIGINT'],
  ['TestProcess.test_forkserver_sigkill', 'SIGKILL'],
] as const) {
  test(`${name} — spares that were killed are skipped, then replaced; a child that runs does not notice`, async t => {
    await spares(2)
    const running = launch(t, { target: targets.stay })
    const there = await spares(2)
    for (const pid of there) process.kill(pid, signal)
    await until(() => !there.some(isAlive), LIMIT, 'the end of the spares')
    // the event loop has not been told yet
    const child = launch(t, { target: targets.exitWith, args: [6] })
    assert.ok(!there.includes(child.pid as number))
    assert.equal(await ended(child), 6)
    assert.equal(running.isAlive(), true)
    running.kill()
    await ended(running)
    assert.ok((await spares(2)).includes((await tell(t)).pid))
  })
}

test('warm: spares that were killed are replaced without anybody asking', async () => {
  const there = await spares(2)
  for (const pid of there) process.kill(pid, 'SIGTERM')
  const replaced = () => sparePids().length === 2 && !there.some(isAlive)
  await until(replaced, LIMIT, 'two others')
})

test('warm: a spare killed at the moment of start() is a child that died, or another is taken; never a wait', async t => {
  for (let round = 0; round < 5; round++) {
    const [spare] = await spares(1)
    process.kill(spare, 'SIGKILL')
    const child = launch(t, { target: targets.exitWith, args: [8] })
    child.joinSync({ timeout: LIMIT })
    assert.equal(child.exitCode, child.pid === spare ? -9 : 8)
    await ended(child)
  }
})

test('warm: a spare that dies with its order unread is a child that died; what was laid down for it is freed', async t => {
  const [spare] = await spares(1)
  const queue = new Queue()
  process.kill(spare, 'SIGSTOP')
  await until(() => stateOf(`/proc/${spare}`) === 'T', LIMIT, 'the spare to stand still')
  const child = launch(t, { target: targets.give, args: [queue, new Uint8Array(1_000_000)] })
  assert.equal(child.pid, spare)
  child.kill()
  assert.equal(await ended(child), -9)
  queue.close()
  const mended = () => check(currentSession()).length === 0 && participants(currentSession().w).length === 1
  await until(mended, LIMIT, () => `the place to be free: ${check(currentSession()).join('; ')}`)
})

test('warm: terminate() of a child that has not read its order yet ends it: exit code -15', async t => {
  const [spare] = await spares(1)
  process.kill(spare, 'SIGSTOP')
  const child = launch(t, { target: targets.stay })
  child.terminate()
  process.kill(spare, 'SIGCONT')
  assert.equal(await ended(child), -15)
})

test('warm: spares use no processor while they wait', async () => {
  const there = await spares(2)
  const before = there.map(pid => ticksOf(`/proc/${pid}`))
  await sleep(500)
  // a tick of 10 ms may just have been about to be full
  for (const [n, pid] of there.entries()) assert.ok(ticksOf(`/proc/${pid}`) <= before[n] + 1)
})

test('setStartMethod() says how many spares there are; another method ends them, but not those of a context', async t => {
  await spares(3)
  await spares(1)
  setStartMethod('spawn')
  await until(() => childPids().length === 0, LIMIT, 'the end of the spares')
  getContext('warm', { spares: 1 })
  t.after(async () => {
    getContext('warm', { spares: 0 })
    await until(() => childPids().length === 0, LIMIT, 'the end of the spare of the context')
  })
  await until(() => childPids().length === 1, LIMIT, 'the spare of the context')
  const [spare] = childPids()
  setStartMethod('spawn')
  const child = new (getContext('warm').Process)({ target: targets.nothing })
  child.start()
  assert.equal(child.pid, spare)
  assert.equal(await ended(child), 0)
})

for (const [how, check] of [
  ['return', ({ code }) => assert.equal(code, 0)],
  ['exit', ({ code }) => assert.equal(code, 3)],
  ['early', ({ code }) => assert.equal(code, 0)],
  ['booted', ({ code }) => assert.equal(code, 0)],
  ['start', ({ stdout }) => assert.match(stdout, /exit code 0/)],
] as [string, (ended: Ended) => void][]) {
  test(`warm: spares do not keep their program alive, and end with it, silently: ${how}`, async () => {
    const main = start([process.execPath, program, how])
    const end = await main.ended
    check(end)
    assert.equal(end.stderr, '')
    assert.equal(end.late, false)
    const pids = /spares (.*)/.exec(end.stdout)?.[1].split(' ') ?? []
    assert.ok(pids.length > 0)
    if (how !== 'start') for (const pid of pids) assert.equal(existsSync(`/proc/${pid}`), false, 'not even a zombie')
    await until(
      () => main.leftovers().length === 0,
      LIMIT,
      () => `the end of ${JSON.stringify(main.leftovers())}`,
    )
  })
}

test('warm: spares end with a program that fails', async () => {
  const main = start([process.execPath, program, 'throw'])
  const { code, stderr, late } = await main.ended
  assert.deepEqual([code, late], [1, false])
  assert.doesNotMatch(stderr, /spare \(/)
  await until(() => main.leftovers().length === 0, LIMIT)
})

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
  for (const spares of [1, 2]) {
    test(`warm: ${spares === 1 ? 'a booting spare ends' : 'spares end'} with a program killed by ${signal}`, async t => {
      const main = start([process.execPath, program, 'wait', String(spares)])
      t.after(() => main.end())
      await main.printed('spares')
      main.kill(signal)
      const { stderr, late } = await main.ended
      assert.deepEqual([stderr, late], ['', false])
      await until(
        () => main.leftovers().length === 0,
        LIMIT,
        () => `the end of ${JSON.stringify(main.leftovers())}`,
      )
    })
  }
}

test('warm: a child that is no daemon goes on when its parent is killed, although it was a spare; a daemon does not', async t => {
  for (const daemon of [false, true]) {
    const main = start([process.execPath, program, daemon ? 'daemon' : 'child'])
    t.after(() => main.end())
    await main.printed('spare child')
    const pid = Number(/spare child (\d+)/.exec(main.stdout)?.[1])
    main.kill('SIGKILL')
    await until(() => !isAlive(main.pid), LIMIT, 'the end of the parent')
    const others = () => main.leftovers().filter(one => one.pid !== pid)
    await until(() => others().length === 0, LIMIT, 'the end of the spares')
    if (daemon) await until(() => !isAlive(pid), LIMIT, 'the end of the daemon')
    else assert.ok(isAlive(pid))
    main.end()
  }
})

for (const how of ['leave by exit', 'leave by SIGKILL']) {
  test(`warm: a child that is no daemon goes on when its parent ends right after start(): ${how}`, async t => {
    const main = start([process.execPath, program, how])
    t.after(() => main.end())
    await main.printed('it went on')
    await until(() => main.leftovers().length === 0, LIMIT, 'the end of all')
  })
}

test('warm: the spares of a worker thread end with it', async () => {
  await spares(0)
  const index = import.meta.resolve('multiproc')
  const worker = new Worker(
    `import('${index}').then(({ setStartMethod }) => { setStartMethod('warm'); setInterval(() => {}, 1000) })`,
    {
      eval: true,
    },
  )
  await until(() => childPids().length > 0, LIMIT, 'a spare')
  await worker.terminate()
  await until(() => childPids().length === 0, LIMIT, 'the end of its spares')
})

test('warm: a spare that cannot boot costs an attempt, no more; children then fail in their own name', async () => {
  const { code, stdout, stderr } = await run([
    process.execPath,
    '--input-type=module',
    '--eval',
    `
      import { Process, setStartMethod } from 'multiproc'
      import { childPids, isAlive } from '${new URL('../support/processes.js', import.meta.url).href}'
      process.execArgv.push('--import', 'data:text/javascript,throw new Error("a preload that fails")')
      setStartMethod('warm')
      // a turn of the event loop hears of its end
      for (const [spare] = childPids(); isAlive(spare); ) await new Promise(resolve => setTimeout(resolve, 5))
      await new Promise(resolve => setTimeout(resolve, 50))
      const child = new Process({ target: { module: import.meta.resolve('multiproc'), name: 'cpuCount' } })
      child.start()
      await child.join()
      console.log('exit code', child.exitCode)`,
  ])
  assert.equal(code, 0)
  assert.equal(stdout, 'exit code 1\n')
  const failures = stderr.match(/Error: a preload that fails/g)?.length ?? 0
  assert.ok(failures >= 2 && failures <= 3, stderr)
})

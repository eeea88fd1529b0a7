// What is different, or could go wrong, because a child is a thread.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { activeChildren, Event, Lock, Process, Queue, setStartMethod } from 'multiproc'
import { AWAITING, check, currentSession, participants, ringAll, SLOT, slotAt } from '#inside'
import * as targets from '../fixtures/process-targets.js'
import * as threads from '../fixtures/process-threads.js'
import { runNode, until } from '../support/children.js'
import { isAlive } from '../support/processes.js'
import { ended, LIMIT, launch, outputOf, says } from './support.js'

setStartMethod('thread')

const file = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).href

// this thread's own bell is made, and opened by itself: it stays until the end
{
  const event = new Event()
  const waiting = event.wait()
  await until(() => Atomics.load(currentSession().w, slotAt(currentSession().slot) + SLOT.asleep) === AWAITING)
  ringAll(currentSession().w)
  event.set()
  await waiting
  event.close()
}

/**
 * What the descriptors of this process lead to. Sources are not ours: Node's loader leaves open what it reads at the moment
 * its thread is terminated, with or without this package.
 */
function descriptors(): string[] {
  const found = readdirSync('/proc/self/fd').map(fd => {
    try {
      return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`
    } catch {
      return '' // the one that lists them
    }
  })
  return found.filter(one => one !== '' && !one.endsWith('.js'))
}

/** Not there before. What was may be gone: the event loop of an earlier test's thread closes when it has ended. */
const added = (before: readonly string[]): string[] => descriptors().filter(one => !before.includes(one))

const mapped = (): string[] =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter(line => line.includes('memfd:multiproc'))

const others = () => participants(currentSession().w).filter(({ token }) => token !== currentSession().me)

/** Everybody but this thread is gone, and nothing impossible is left of them. */
const alone = () =>
  until(
    () => {
      currentSession().lookForDead() // nobody else would look for the children of a thread that was terminated
      return others().length === 0 && check(currentSession()).length === 0
    },
    LIMIT,
    () => JSON.stringify([others(), check(currentSession())]),
  )

test('a thread has the pid of its process, and its parent lives as long as it does', async t => {
  const report = new Queue()
  const child = launch(t, { target: threads.parentLives, args: [report] })
  assert.equal(child.pid, process.pid)
  assert.deepEqual(await report.get({ timeout: LIMIT }), [true, false])
  assert.equal(await ended(child), 0)
  report.close()
})

test('Process.start() of a thread refuses a cwd, and says why', () => {
  const child = new Process({ target: targets.nothing, cwd: '/tmp', name: 'mover' })
  assert.throws(() => child.start(), {
    code: 'ERR_MULTIPROC_ARGUMENT_RANGE',
    message: /no `cwd` for mover, got "\/tmp": it is a thread.* have one working directory; start it as a process/,
  })
  assert.deepEqual([child.pid, child.isAlive(), activeChildren()], [undefined, false, []])
})

test('Process.start() of a thread refuses options that only a process can have, and says which it was given', async () => {
  const child = new Process({ target: targets.nothing, execArgv: ['--stack-trace-limit=50'] })
  assert.throws(() => child.start(), {
    code: 'ERR_MULTIPROC_ARGUMENT_RANGE',
    message: /`execArgv` of Process-\d+ to hold only options that a thread can have.*got --stack-trace-limit=50/,
  })
  assert.equal(child.isAlive(), false)
  await alone()
})

test('a thread of a program with options of one run starts, and hands them on to nobody', async () => {
  const { stdout, stderr } = await runNode(
    `import { Process, setStartMethod } from 'multiproc'
     setStartMethod('thread')
     new Process({ target: { module: '${file('process-targets.js')}', name: 'whoAmI' } }).start()`,
    { execArgv: ['--stack-trace-limit=33', '--no-deprecation'] },
  )
  assert.deepEqual(JSON.parse(stdout).execArgv, ['--stack-trace-limit=33', '--no-deprecation'], stderr)
})

test('a thread knows who it is before the first of its code, also in what --import loads', async () => {
  const { stdout, stderr } = await runNode(
    `import { Process, setStartMethod } from 'multiproc'
     setStartMethod('thread')
     const target = { module: '${file('process-targets.js')}', name: 'nothing' }
     new Process({ target, name: 'known', execArgv: ['--import', '${file('process-preload.js')}'] }).start()`,
  )
  assert.equal(stdout, 'known false\n', stderr)
})

test('what --import writes in a thread is written, and the thread ends', async () => {
  const early = 'data:text/javascript,for (let i=0;i<3;i++) { console.log("out", i); console.error("err", i) }'
  const { stdout, stderr, late } = await runNode(
    `import { Process, setStartMethod } from 'multiproc'
     setStartMethod('thread')
     const target = { module: '${file('process-targets.js')}', name: 'nothing' }
     new Process({ target, execArgv: ['--import', '${early}'] }).start()`,
  )
  assert.equal(late, false)
  for (const [text, name] of [
    [stdout, 'out'],
    [stderr, 'err'],
  ]) {
    // the first one takes another way
    assert.deepEqual(text.trim().split('\n').sort(), [`${name} 0`, `${name} 1`, `${name} 2`])
  }
})

test('Process.joinSync() of a thread that fails before its first code returns, though no turn of the event loop tells', async t => {
  const execArgv = ['--import', file('process-preload.js')]
  const child = launch(t, { target: targets.nothing, execArgv, env: { PRELOAD: 'fail' }, stdio: 'pipe' })
  child.joinSync({ timeout: LIMIT })
  assert.deepEqual([child.isAlive(), child.exitCode], [false, 1])
  assert.match(
    (await outputOf(child)).stderr,
    /^Process-\d+ \(thread of pid \d+\) failed:\nError: trouble in the preload/,
  )
  await alone()
})

test('Process.terminate() right after start() is the end of a thread at once; what was laid down for it goes', async t => {
  for (const [method, code] of [
    ['terminate', -15],
    ['kill', -9],
    ['interrupt', -2],
  ] as const) {
    const child = launch(t, { target: targets.sleep, args: [] })
    child[method]()
    child.joinSync({ timeout: LIMIT })
    assert.equal(child.exitCode, code)
    await child.join()
    assert.equal(child.exitCode, code)
  }
  await alone()
})

test('Process.kill() waits for threads that load native code, whose end would abort the process', async t => {
  const folder = mkdtempSync(path.join(tmpdir(), 'thread-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const log = path.join(folder, 'log')
  const slow = { env: { ...process.env, ADDON_LOG: log }, execArgv: ['--import', file('process-addon.js')] }
  const read = () => (existsSync(log) ? readFileSync(log, 'utf8') : '')
  const child = launch(t, { target: targets.nothing, ...slow })
  await until(() => read() === 'loading ')
  child.kill()
  assert.equal(await ended(child), -9)
  assert.equal(read(), 'loading loaded ')
  const middle = launch(t, { target: threads.haveAnother, args: [slow] })
  await until(() => read() === 'loading loaded loading ')
  middle.kill()
  assert.equal(await ended(middle), -9)
  assert.equal(read(), 'loading loaded loading loaded ')
})

test('memoryLimitMb ends a thread that needs more with -6, though no turn of the event loop tells', t => {
  const child = launch(t, { target: targets.allocate, memoryLimitMb: 30 })
  child.joinSync({ timeout: LIMIT })
  assert.equal(child.exitCode, -6)
})

test('process.exit() of a thread ends it alone; its code is counted as that of a process', async t => {
  const [first, second] = [300, -1].map(code => launch(t, { target: targets.exitWith, args: [code] }))
  first.joinSync({ timeout: LIMIT })
  assert.deepEqual([first.exitCode, await ended(second)], [44, 255])
})

for (const how of [
  'spinning',
  'blocked',
  'sleeping',
  'awaiting',
  'holding spinning',
  'holding blocked',
  'holding awaiting',
]) {
  test(`Process.terminate() ends a thread that is ${how}, and all it held is given back`, async t => {
    const [queue, lock, ready] = [new Queue<number>(), new Lock(), new Event()]
    const child = launch(t, { target: threads.beFound, args: [how, queue, lock, ready] })
    ready.waitSync({ timeout: LIMIT })
    child.terminate()
    child.joinSync({ timeout: LIMIT })
    assert.equal(child.exitCode, -15)
    assert.equal(lock.acquireSync({ timeout: LIMIT }).abandoned, how.startsWith('holding'))
    queue.putSync(5)
    assert.equal(queue.getSync({ timeout: LIMIT }), 5)
    for (const object of [queue, lock, ready]) object.close()
    await alone()
  })
}

test('what a thread prints is out at once, also when this thread blocks and then ends', async () => {
  const { stdout, stderr } = await runNode(
    `import { Process, setStartMethod } from 'multiproc'
     setStartMethod('thread')
     const child = new Process({ target: { module: '${file('process-threads.js')}', name: 'print' }, args: ['x'.repeat(100_000)] })
     child.start()
     child.joinSync()
     process.kill(process.pid, 'SIGKILL')`,
  )
  assert.equal(stdout, `${'x'.repeat(100_000)}\n`)
  assert.equal(stderr, `${'x'.repeat(100_000)}\n`)
})

test('what a thread prints into a pipe is out at once, also when it then blocks, and is ended', async t => {
  const child = launch(t, { target: threads.printAndSpin, stdio: 'pipe' })
  await says(child, 'first second third')
  child.kill()
  assert.equal(await ended(child), -9)
})

test('a thread that prints more than once into a pipe ends all the same when nothing is left for it to do', async t => {
  const { stdout, exitCode } = await outputOf(launch(t, { target: threads.printAndReturn, stdio: 'pipe' }))
  assert.deepEqual([stdout, exitCode], ['first second third', 0])
})

test('a thread may put other streams in the place of those that go into a pipe, or none, and nothing that it printed is lost', async t => {
  for (const streams of ['other', 'none'] as const) {
    const gate = new Event()
    const child = launch(t, { target: threads.printAndReplace, args: [streams, gate], stdio: 'pipe' })
    const output = outputOf(child)
    await says(child, 'out') // whoever reads would have asked for more
    gate.set()
    assert.deepEqual(await output, { stdout: 'out', stderr: 'err', exitCode: 0 })
  }
})

test('what the children of a thread print goes where that of the thread goes', async t => {
  assert.equal((await outputOf(launch(t, { target: threads.letOthersPrint, stdio: 'pipe' }))).stdout, 'spawn\nthread\n')
  const { stdout, stderr } = await runNode(
    `import { Process, setStartMethod } from 'multiproc'
     setStartMethod('thread')
     new Process({ target: { module: '${file('process-threads.js')}', name: 'letOthersPrint' }, stdio: 'ignore' }).start()`,
  )
  assert.deepEqual([stdout, stderr], ['', ''])
})

test('process.exit() ends the threads of this process, whatever they do, daemons or not', async () => {
  for (const daemon of [false, true]) {
    const { code, stdout, stderr, late } = await runNode(
      `import { Event, Lock, Process, Queue, setStartMethod } from 'multiproc'
       setStartMethod('thread')
       const given = [new Queue(), new Lock()]
       for (const how of ['spinning', 'blocked', 'awaiting']) {
         const ready = new Event()
         const target = { module: '${file('process-threads.js')}', name: 'beFound' }
         new Process({ target, args: [how, ...given, ready], daemon: ${daemon} }).start()
         ready.waitSync()
       }
       console.log('exits')
       process.exit(3)`,
    )
    assert.deepEqual([code, stdout, late], [3, 'exits\n', false], stderr)
  }
})

for (const daemon of [true, false]) {
  test(`a ${daemon ? 'daemon' : 'child'} that is a process and was started by a thread ${daemon ? 'ends with it' : 'goes on without it'}`, async t => {
    const told = new Queue<number>()
    const child = launch(t, { target: threads.haveAProcess, args: [daemon, told] })
    const pid = await told.get({ timeout: LIMIT })
    t.after(() => isAlive(pid) && process.kill(pid, 'SIGKILL'))
    child.terminate()
    await ended(child)
    if (daemon) await until(() => !isAlive(pid), LIMIT, 'the end of the daemon')
    else assert.ok(isAlive(pid))
    told.close()
  })
}

test('parentProcess().isAlive() of a process that a thread started turns false with that thread', async t => {
  const report = new Queue<boolean>()
  const child = launch(t, { target: threads.haveAWatcher, args: [report] })
  assert.equal(await report.get({ timeout: LIMIT }), true)
  child.terminate()
  assert.equal(await report.get({ timeout: LIMIT }), false)
  report.close()
  await alone()
})

test('a thread ends with the thread that started it, and what it held is given back', async t => {
  const before = descriptors()
  const [lock, queue, ready] = [new Lock(), new Queue(), new Event()]
  const child = launch(t, { target: threads.haveAHolder, args: [lock, queue, ready] })
  await ready.wait({ timeout: LIMIT })
  child.terminate()
  assert.equal((await lock.acquire({ timeout: LIMIT })).abandoned, true)
  await ended(child)
  for (const object of [lock, queue, ready]) object.close()
  await alone()
  assert.deepEqual(added(before), [])
})

test('a thread hands on nothing of the session to programs it starts', async t => {
  const report = new Queue<string>()
  launch(t, { target: threads.whatProgramsInherit, args: [report] })
  assert.doesNotMatch(await report.get({ timeout: LIMIT }), /memfd:|pipe:.*pipe:.*pipe:/s)
  report.close()
})

test('two hundred threads, half of them terminated at any moment, leave no descriptor, mapping, slot or block', async t => {
  const [queue, lock] = [new Queue<number>(), new Lock()]
  const ways = ['spinning', 'blocked', 'sleeping', 'awaiting', 'holding blocked', 'holding awaiting']
  const batch = async (n: number) => {
    const ready = new Event()
    const children = Array.from({ length: 8 }, (_, i) =>
      i % 2 === 0
        ? new Process({ target: threads.comeAndGo, args: [queue, lock], stdio: 'ignore' })
        : new Process({
            target: threads.beFound,
            args: [ways[(n + i) % ways.length], queue, lock, ready],
            stdio: 'ignore',
          }),
    )
    for (const child of children) child.start()
    t.after(() => {
      for (const child of children) child.kill()
    })
    for (const [i, child] of children.entries()) {
      if (i % 2 === 0) continue
      // from "not yet there" to "at it": each time somewhere else
      await new Promise(resolve => setTimeout(resolve, (n * 7 + i * 5) % 40))
      child.terminate()
    }
    // an item that one of them took was lost with it
    while (children.some(child => child.isAlive())) {
      if (queue.qsize() === 0) queue.putSync(0)
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    for (const [i, child] of children.entries()) assert.equal(await ended(child), i % 2 === 0 ? 0 : -15, child.name)
    ready.close()
    while (!queue.empty()) queue.getSync()
  }
  await batch(0)
  await alone()
  const before = { descriptors: descriptors(), mapped: mapped() }
  for (let n = 1; n < 25; n++) await batch(n)
  await alone()
  assert.deepEqual(added(before.descriptors), [])
  assert.deepEqual(mapped(), before.mapped)
  assert.deepEqual(activeChildren(), [])
  queue.close()
  lock.close()
})

test('worker threads of the program’s own that use the package leave nothing that grows, however they end', async () => {
  const use = async (how: string) => {
    const worker = new Worker(fileURLToPath(file('process-plain-worker.js')), { workerData: how })
    const ended = once(worker, 'exit') // it may come in the same turn as the message
    await once(worker, 'message')
    if (how === 'end') await ended
    else await worker.terminate()
  }
  await use('end')
  const before = { descriptors: descriptors(), mapped: mapped().length }
  for (const how of ['end', 'block', 'await', 'end', 'block', 'await']) await use(how)
  assert.deepEqual(added(before.descriptors), [])
  assert.equal(mapped().length, before.mapped)
})

test('worker threads of the program’s own that call share() leave nothing that grows, however they end', async () => {
  const program = `
    import { Lock, share } from '${import.meta.resolve('multiproc')}'
    import { parentPort } from 'node:worker_threads'
    await share('thread-life.test ${process.pid}', () => new Lock())
    parentPort.postMessage('here')`
  const use = async (end: string) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program + end)}`), {
      env: { ...process.env, MULTIPROC_COMMONS: `thread-life.test ${process.pid}` },
    })
    const ended = once(worker, 'exit')
    await once(worker, 'message')
    if (end === '') await ended
    else await worker.terminate()
  }
  await use('')
  const before = { descriptors: descriptors(), mapped: mapped().length }
  for (const end of ['', ';for (;;);', '', ';for (;;);']) await use(end)
  assert.ok(descriptors().length <= before.descriptors.length)
  assert.equal(mapped().length, before.mapped)
})

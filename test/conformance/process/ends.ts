// Who ends with whom: terminate() and kill() in a tree of three levels, and a parent that is killed (K15).
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { Event, Queue } from 'multiproc'
import * as targets from '../../fixtures/conformance-process.js'
import { start, until } from '../../support/children.ts'
import { isAlive } from '../../support/processes.ts'
import { LIMIT } from '../implementation.ts'
import type { ProcessSuite } from '../process.ts'
import { ended } from '../suite.ts'

const program = fileURLToPath(new URL('../../fixtures/conformance-process-tree.js', import.meta.url))

export function ends({ method, test, launch }: ProcessSuite): void {
  for (const how of ['terminate', 'kill'] as const) {
    const code = how === 'kill' ? -9 : -15
    test(`Process.${how}() of a child in a tree of three levels: its daemons end with it, its other children and theirs go on`, async t => {
      const queue = new Queue<[level: number, pid: number, daemon: number]>()
      const root = launch(t, { target: targets.treeLevel, args: [queue, 1, 3] })
      const levels = [
        await queue.get({ timeout: LIMIT }),
        await queue.get({ timeout: LIMIT }),
        await queue.get({ timeout: LIMIT }),
      ]
      const [first, second, third] = levels.sort(([a], [b]) => a - b).map(([, pid, daemon]) => ({ pid, daemon }))
      t.after(() => {
        for (const { pid } of [second, third]) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
      })
      assert.equal(first.pid, root.pid)
      assert.ok([first, second, third].every(({ pid, daemon }) => isAlive(pid) && isAlive(daemon)))
      root[how]()
      assert.equal(await ended(root), code)
      await until(() => !isAlive(first.daemon), LIMIT, 'the end of the daemon of the first level')
      assert.ok([second.pid, second.daemon, third.pid, third.daemon].every(isAlive))
      process.kill(second.pid, how === 'kill' ? 'SIGKILL' : 'SIGTERM')
      await until(() => !isAlive(second.pid) && !isAlive(second.daemon), LIMIT, 'the end of the second level')
      assert.ok([third.pid, third.daemon].every(isAlive))
      process.kill(third.pid, 'SIGKILL')
      await until(() => !isAlive(third.daemon), LIMIT, 'the end of the daemon of the third level')
      queue.close()
    })
  }

  for (const how of ['SIGKILL', 'SIGTERM', 'exit', 'throw', 'return']) {
    test(`K15 a main program that ends by ${how} leaves nothing of its family behind: no daemon, no spare`, async t => {
      const main = start([process.execPath, program, method, how])
      t.after(() => main.end())
      await main.printed('ready')
      if (how.startsWith('SIG')) {
        const processes = method === 'thread' ? 1 : 3
        assert.ok(main.leftovers().length >= processes, 'the main program and two daemons')
        main.kill(how as NodeJS.Signals)
      } else main.process.stdin?.end()
      const { code, signal, stderr, late } = await main.ended
      // whoever is left holds its output open
      assert.equal(late, false)
      if (how.startsWith('SIG')) assert.equal(signal, how)
      else assert.equal(code, how === 'throw' ? 1 : 0)
      if (how !== 'throw') assert.equal(stderr, '')
      await until(
        () => main.leftovers().length === 0,
        LIMIT,
        () => `the end of ${JSON.stringify(main.leftovers())}`,
      )
    })
  }

  test('Process: a child that is no daemon goes on when its parent is killed', async t => {
    const queue = new Queue<unknown[]>()
    const parent = launch(t, { target: targets.startWatcherAndStay, args: [queue] })
    assert.deepEqual(await queue.get({ timeout: LIMIT }), [parent.pid, parent.name, true])
    parent.kill()
    assert.deepEqual(await queue.get({ timeout: LIMIT }), [parent.pid, parent.name, false])
    queue.close()
  })

  test('Process.interrupt(), terminate() and kill() end a child that never turns its event loop', async t => {
    for (const [how, code] of [
      ['interrupt', -2],
      ['terminate', -15],
      ['kill', -9],
    ] as const) {
      const running = new Event()
      const child = launch(t, { target: targets.spin, args: [running] })
      await running.wait({ timeout: LIMIT })
      child[how]()
      assert.equal(await ended(child), code)
      child[how]()
      assert.equal(child.exitCode, code)
      running.close()
    }
  })

  test('Process: a daemon may not have children', async t => {
    const queue = new Queue<string>()
    const child = launch(t, { target: targets.tryToHaveAChild, args: [queue], daemon: true })
    assert.equal(await queue.get({ timeout: LIMIT }), 'ERR_MULTIPROC_INVALID_STATE')
    assert.equal(await ended(child), 0)
    queue.close()
  })
}

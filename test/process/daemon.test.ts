// Who ends with whom. K15 of the death matrix: in CPython the children of a killed parent live on.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Child, start, until } from '../support/children.js'
import { isAlive } from '../support/processes.js'

const program = fileURLToPath(new URL('../fixtures/process-parent.js', import.meta.url))

async function parent(args: string[], env?: Record<string, string>): Promise<{ main: Child; pids: number[] }> {
  const main = start([process.execPath, program, ...args], { env })
  await main.printed('pids')
  const pids = /pids (.*)\n/.exec(main.stdout)?.[1].split(' ').map(Number) ?? []
  assert.ok(pids.length > 0)
  return { main, pids }
}

const gone = (pids: number[]) => until(() => !pids.some(isAlive), 60_000, `the end of ${pids}`)

for (const kind of ['sleep', 'spin']) {
  test(`no daemon survives a parent killed by SIGKILL, in ${kind}()`, async t => {
    const { main, pids } = await parent(['stay', kind])
    t.after(() => main.end())
    assert.ok(pids.every(isAlive))
    main.kill('SIGKILL')
    await gone(pids)
  })
}

test('no daemon survives a parent interrupted or terminated by a signal', async t => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const { main, pids } = await parent(['stay'])
    t.after(() => main.end())
    main.kill(signal)
    await gone(pids)
    assert.equal((await main.ended).signal, signal)
  }
})

for (const how of ['return', 'exit', 'throw']) {
  for (const kind of ['sleep', 'spin', 'stubborn']) {
    test(`daemons in ${kind}() have ended when their parent has: ${how}`, async t => {
      const { main, pids } = await parent([how, kind])
      t.after(() => main.end())
      const { code, stdout, stderr } = await main.ended
      assert.match(stdout, /^left 0$/m)
      assert.ok(!pids.some(isAlive))
      assert.equal(code, how === 'throw' ? 1 : 0, stderr)
    })
  }
}

test('daemons are given the time to tidy up when their parent ends by itself', async t => {
  const folder = mkdtempSync(path.join(tmpdir(), 'daemon-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const how of ['return', 'exit', 'throw']) {
    const file = path.join(folder, how)
    const { main } = await parent([how, 'tidy'], { TIDIED: file })
    t.after(() => main.end())
    await main.ended
    assert.equal(readFileSync(file, 'utf8'), 'tidied up\ntidied up\n', how)
  }
})

test('a daemon whose parent was killed before it had started ends all the same', async t => {
  const { main, pids } = await parent(['vanish'])
  t.after(() => main.end())
  await gone(pids)
})

test('children that are no daemons keep their parent until they end, and go on when it is killed', async t => {
  const { main, pids } = await parent(['return', 'sleep', 'child'])
  t.after(() => main.end())
  assert.ok(isAlive(main.pid))
  main.kill('SIGKILL')
  await until(() => !isAlive(main.pid), 60_000, 'the end of the parent')
  assert.ok(pids.every(isAlive))
})

// The search for what a test run leaves behind finds it, so that its silence means something.
import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { run, start, until } from './support/children.ts'
import { RUN } from './support/names.ts'
import { isAlive } from './support/processes.ts'
import { Remains } from './support/remains.ts'

const orphan =
  "const { spawn } = require('node:child_process'); console.log(spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }).pid); process.exit()"

test('Remains names and kills an orphan, names a file in the temporary folder and a named memory', async () => {
  const remains = new Remains()
  const memory = path.join('/dev/shm', `${remains.env[RUN]}-control`)
  try {
    assert.deepEqual(remains.processes(), [])
    const { stdout } = await run([process.execPath, '--eval', orphan], { env: remains.env })
    const pid = Number(stdout)
    assert.equal(isAlive(pid), true)
    writeFileSync(path.join(remains.env.TMPDIR, 'anything'), '')
    writeFileSync(memory, '')
    const left = await remains.clear(0)
    assert.equal(left.length, 3, left.join('\n'))
    assert.equal(left[0], `process ${pid}, killed now: sleep 60`)
    assert.equal(left[1], `shared memory ${memory}`)
    assert.match(left[2], /^temporary file .*\/anything$/)
    await until(() => !isAlive(pid))
    assert.equal(existsSync(remains.env.TMPDIR), false)
  } finally {
    rmSync(memory, { force: true })
  }
})

test('Remains leaves what is of another run alone, and does not tell of it', async () => {
  const other = new Remains()
  const remains = new Remains()
  const memory = path.join('/dev/shm', `${other.env[RUN]}-control`)
  try {
    const { stdout } = await run([process.execPath, '--eval', orphan], { env: other.env })
    const pid = Number(stdout)
    writeFileSync(memory, '')
    assert.deepEqual(await remains.clear(0), [])
    assert.equal(isAlive(pid), true)
    assert.equal(existsSync(memory), true)
    assert.deepEqual(await other.clear(0), [`process ${pid}, killed now: sleep 60`, `shared memory ${memory}`])
  } finally {
    rmSync(memory, { force: true })
  }
})

test('Remains is silent when everything that was started has ended', async () => {
  const remains = new Remains()
  await run([process.execPath, '--eval', ''], { env: remains.env })
  assert.deepEqual(await remains.clear(0), [])
})

test('Child.end() kills an orphan that left the process group', async () => {
  const child = start([process.execPath, '--eval', orphan])
  await child.ended
  assert.equal(child.leftovers().length, 1)
  child.end()
  await until(() => child.leftovers().length === 0)
})

test('run() past its deadline kills the program and what it started', async () => {
  const { late, signal, stdout } = await run(['sh', '-c', 'sleep 60 & echo $!; wait'], { deadline: 300 })
  assert.deepEqual([late, signal], [true, 'SIGKILL'])
  assert.equal(isAlive(Number(stdout)), false)
})

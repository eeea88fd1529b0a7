// Who meets whom.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { fstatSync } from 'node:fs'
import { closeFd, createMemfd, doorName, takeName } from '#inside'
import { until } from '../../support/children.ts'
import { LIMIT } from '../implementation.ts'
import type { Suite } from '../suite.ts'
import { fresh, output, program } from './program.ts'

const ADD = "const value = await share('one', () => new Value('i', 0)); console.log('value', value.add(1))"

/** The scope of the programs of a test, and the beginning of their names in the kernel. */
function scoped(): { env: { MULTIPROC_COMMONS: string }; prefix: string } {
  const outer = process.env.MULTIPROC_COMMONS
  process.env.MULTIPROC_COMMONS = fresh()
  const prefix = doorName().slice(0, -'door'.length)
  const env = { MULTIPROC_COMMONS: process.env.MULTIPROC_COMMONS }
  if (outer === undefined) delete process.env.MULTIPROC_COMMONS
  else process.env.MULTIPROC_COMMONS = outer
  return { env, prefix }
}

export function meeting({ test }: Suite): void {
  test('MULTIPROC_COMMONS sets programs apart: those with the same text in it meet', async t => {
    const [one, other] = [scoped(), scoped()]
    const stays = `${ADD}; setInterval(() => {}, 1000)`
    const first = program(t, stays, {}, { env: one.env })
    await first.printed('value 1', LIMIT)
    assert.equal(await output(program(t, ADD, {}, { env: one.env })), 'value 2')
    assert.equal(await output(program(t, ADD, {}, { env: other.env })), 'value 1')
  })

  test('share(): while another stands in the door it waits; late it is a TimeoutError; then it is let in', async t => {
    const { env, prefix } = scoped()
    const door = takeName(`${prefix}door`)
    assert.ok(door !== undefined)
    const late = program(
      t,
      "await share('one', () => new Lock(), { timeout: 300 }).catch(e => console.log(e.code))",
      {},
      { env },
    )
    assert.equal(await output(late), 'ERR_MULTIPROC_TIMEOUT')
    const aborted = program(
      t,
      "await share('one', () => new Lock(), { signal: AbortSignal.timeout(100) }).catch(e => console.log(e.name))",
      {},
      { env },
    )
    assert.equal(await output(aborted), 'TimeoutError')
    const waiting = program(t, `console.log('comes'); ${ADD}`, {}, { env })
    await waiting.printed('comes', LIMIT)
    door.giveBack()
    assert.match(await output(waiting), /value 1/)
  })

  test('share(): names that lead nowhere, or to what is no such memory, are passed by', async t => {
    const { env, prefix } = scoped()
    const memory = createMemfd('multiproc-commons', 1 << 20)
    const inode = fstatSync(memory).ino
    const forged = [
      '',
      '.',
      'x.y',
      '1.1',
      '999999999.5',
      '1.1.0',
      '999999999.5.0',
      `${process.pid}.1.0`,
      `${process.pid}.${inode}`,
      `${process.pid}.${inode}x.0`,
      `${process.ppid}.${inode}.0`,
    ]
    const names = forged.map(text => takeName(`${prefix}${text}`))
    assert.equal(await output(program(t, ADD, {}, { env })), 'value 1')
    for (const name of names) name?.giveBack()
    closeFd(memory)
  })

  test('share(): another user’s programs are not met, whatever their names say', async t => {
    if (process.geteuid?.() !== 0) return t.skip('only root can be another user')
    const { env, prefix } = scoped()
    // a memory of another user's, in a process of its own, under a name that says it is one of ours
    const stranger = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { fstatSync } from 'node:fs'
         import { createMemfd, takeName } from '#inside'
         const fd = createMemfd('multiproc-commons', 2 ** 32)
         takeName('${prefix}' + process.pid + '.' + fstatSync(fd).ino + '.0')
         console.log('there')
         setInterval(() => {}, 1000)`,
      ],
      { uid: 65534, gid: 65534, stdio: ['ignore', 'pipe', 'ignore'] },
    )
    t.after(() => stranger.kill('SIGKILL'))
    let there = false
    stranger.stdout.once('data', () => (there = true))
    await until(() => there || stranger.exitCode !== null, LIMIT)
    if (!there) return t.skip('another user cannot read this checkout')
    assert.equal(await output(program(t, ADD, {}, { env })), 'value 1')
  })

  test('share(): the first program’s MULTIPROC_MEMORY_LIMIT is the ceiling for all', async t => {
    const { env } = scoped()
    const first = program(
      t,
      "await share('queue', () => new Queue()); console.log('here'); setInterval(() => {}, 1000)",
      {},
      { env: { ...env, MULTIPROC_MEMORY_LIMIT: '16m' } },
    )
    await first.printed('here', LIMIT)
    const second = program(
      t,
      `const queue = await share('queue', () => null)
       try {
         for (let i = 0; i < 100; i++) queue.putNowait(new Uint8Array(1_000_000))
       } catch (error) {
         console.log(error.code, queue.qsize() > 5)
       }
       queue.getNowait()
       queue.putNowait(new Uint8Array(900_000))`,
      {},
      { env },
    )
    assert.equal(await output(second), 'ERR_MULTIPROC_OUT_OF_SHARED_MEMORY true')
  })

  test('share(): a program that only imports the package takes part in nothing', async t => {
    const { env, prefix } = scoped()
    const said = program(
      t,
      `const { namesTaken } = await import('#inside')
       console.log(namesTaken(prefix).length, JSON.stringify(inspect()))`,
      { prefix },
      { env },
    )
    assert.equal(
      await output(said),
      '0 {"participants":[],"objects":[],"deadlocks":[],"memory":{"used":0,"reserved":0}}',
    )
  })
}

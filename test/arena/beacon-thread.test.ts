// The descriptor of a Connection in a thread that is terminated.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { getContext, Pipe, Queue } from 'multiproc'
import { ask } from '../fixtures/beacon-thread.ts'

test('Connection.fileno() in a thread that is terminated leaves no descriptor behind', async () => {
  const { Process } = getContext('thread')
  const [[end, other], ready, never] = [Pipe(), new Queue<number>(), new Queue()]
  const open = async () => {
    const thread = new Process({ target: ask, args: [end, ready, never] })
    thread.start()
    await ready.get({ timeout: 60_000 })
    thread.kill()
    await thread.join({ timeout: 60_000 })
    return readdirSync('/proc/self/fd').length
  }
  const before = await open()
  await open()
  assert.equal(await open(), before)
  for (const one of [end, other, ready, never]) one.close()
})

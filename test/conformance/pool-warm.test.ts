// Workers that were booted in advance: what is different about them is that they start in another way; so a few tests.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getContext, WorkerDiedError } from 'multiproc'
import * as tasks from '../fixtures/pool.ts'
import { range, within } from './pool.ts'

test('Pool, warm: results, a death with its last words, recycling', async t => {
  const { Pool } = getContext('warm', { spares: 1 })
  const pool = new Pool({ processes: 2, maxTasksPerChild: 20 })
  t.after(() => pool.terminate())
  assert.deepEqual(await within(pool.map(tasks.sqr, range(50), { chunksize: 5 })), range(50).map(tasks.sqr))
  const error = await within(pool.apply(tasks.lastWords).catch(error => error))
  assert.ok(error instanceof WorkerDiedError)
  assert.equal(error.exitCode, 7)
  assert.match(error.stderr, /the last line/)
  assert.deepEqual(await within(pool.map(tasks.sqr, range(50), { chunksize: 1 })), range(50).map(tasks.sqr))
  pool.close()
  await within(pool.join())
})

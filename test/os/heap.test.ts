// Large messages are received into pages that earlier ones have used.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runNode } from '../support/children.ts'

const isGlibc = (process.report.getReport() as any).header.glibcVersionRuntime !== undefined
const MESSAGES = 1000

/** Pages that were touched for the first time while as many messages were received and dropped. */
async function freshPages(env: Record<string, string>, bytes = 1 << 20): Promise<number> {
  const { code, stdout, stderr } = await runNode(
    `import { Pipe } from 'multiproc'
     const [a, b] = Pipe()
     const bytes = new Uint8Array(${bytes})
     const receive = count => { for (let i = 0; i < count; i++) { a.sendBytesSync(bytes); b.recvBytesSync() } }
     receive(200)
     const before = process.resourceUsage().minorPageFault
     receive(${MESSAGES})
     console.log(process.resourceUsage().minorPageFault - before)`,
    { env },
  )
  assert.equal(code, 0, stderr)
  return Number(stdout)
}

test('large messages, one after the other, are received into pages that were used before', async t => {
  if (!isGlibc) return t.skip('this C library has no such knob')
  assert.ok((await freshPages({})) < MESSAGES * 64)
})

test('messages of some ten KiB are, too', async t => {
  if (!isGlibc) return t.skip('this C library has no such knob')
  assert.ok((await freshPages({}, 1 << 16)) < MESSAGES * 6)
})

test('a user who has turned malloc’s knobs in the environment keeps them', async t => {
  if (!isGlibc) return t.skip('this C library has no such knobs')
  assert.ok((await freshPages({ MALLOC_TRIM_THRESHOLD_: '131072' })) > MESSAGES * 128)
})

// Names that vanish with their process.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { namesTaken, takeName } from '#src/os/abstract-name.js'
import { start, until } from '../support/children.ts'

const name = `multiproc-test.${process.pid}.`

/** The kernel's list may lose one while others change it. */
const listed = (names: string[]) => until(() => namesTaken(name).join() === names.join())

test('takeName() gives a name to one at a time; giving it back is at once', async () => {
  const taken = takeName(`${name}one`)
  assert.ok(taken !== undefined)
  assert.equal(takeName(`${name}one`), undefined)
  await listed([`${name}one`])
  taken.giveBack()
  assert.deepEqual(namesTaken(name), [])
  const again = takeName(`${name}one`)
  assert.ok(again !== undefined)
  again.giveBack()
})

test('takeName(): a name of 107 bytes is told from one that is longer than can be', async () => {
  const longest = name.padEnd(107, 'x')
  const taken = takeName(longest)
  assert.ok(taken !== undefined)
  await listed([longest])
  taken.giveBack()
  assert.throws(() => takeName(`${longest}x`), RangeError)
  assert.throws(() => takeName(''), RangeError)
  assert.throws(() => takeName('a\0b'), RangeError)
})

test('a name is free again when its process was killed, and its children never have it', async () => {
  const child = start([
    process.execPath,
    '--input-type=module',
    '--eval',
    `import { spawn } from 'node:child_process'
     import { takeName } from '#src/os/abstract-name.js'
     takeName('${name}killed')
     spawn('sleep', ['60'], { stdio: 'ignore' })
     console.log('taken')
     setInterval(() => {}, 1000)`,
  ])
  await child.printed('taken')
  assert.equal(takeName(`${name}killed`), undefined)
  child.kill()
  await child.ended
  assert.deepEqual(namesTaken(name), [])
  assert.equal(child.leftovers().length, 1) // the grandchild lives
  child.end()
})

test('a name is free again when its thread was terminated, or has ended', async t => {
  for (const end of ['for (;;);', '']) {
    const program = `
      import { takeName } from '${import.meta.resolve('#src/os/abstract-name.js')}'
      import { parentPort } from 'node:worker_threads'
      takeName('${name}thread')
      parentPort.postMessage('taken')
      ${end}`
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`))
    t.after(() => worker.terminate())
    const ended = once(worker, 'exit')
    await once(worker, 'message')
    if (end !== '') {
      assert.equal(takeName(`${name}thread`), undefined)
      void worker.terminate()
    }
    await ended
    assert.deepEqual(namesTaken(name), [])
  }
})

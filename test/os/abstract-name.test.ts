// Names that vanish with their process.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namesTaken, takeName } from '#src/os/abstract-name.js'
import { closeFd } from '#src/os/descriptor.js'
import { start, until } from '../support/children.ts'

const name = `multiproc-test.${process.pid}.`

test('takeName() gives a name to one at a time; closing gives it back', () => {
  const fd = takeName(`${name}one`)
  assert.ok(fd !== undefined)
  assert.equal(takeName(`${name}one`), undefined)
  assert.deepEqual(namesTaken(name), [`${name}one`])
  closeFd(fd)
  assert.deepEqual(namesTaken(name), [])
  const again = takeName(`${name}one`)
  assert.ok(again !== undefined)
  closeFd(again)
})

test('takeName(): a name of 107 bytes is told from one that is longer than can be', () => {
  const longest = name.padEnd(107, 'x')
  const fd = takeName(longest)
  assert.ok(fd !== undefined)
  assert.deepEqual(namesTaken(name), [longest])
  closeFd(fd)
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
  await until(() => namesTaken(name).length === 0)
  assert.equal(child.leftovers().length, 1) // the grandchild lives
  child.end()
})

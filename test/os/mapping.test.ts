import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { UnsupportedPlatformError } from '#src/contract/errors.js'
import { closeFd } from '#src/os/descriptor.js'
import { SystemCallError } from '#src/os/libc.js'
import { assertAtomicsWork, MAX_VIEW, mapForLife, mapShared, partOf, viewMapped } from '#src/os/mapping.js'
import { createMemfd } from '#src/os/memfd.js'
import { ANSWER, share, startChild } from './support.js'

test('mapShared() shows the same memory at every mapping of the file', t => {
  const { fd, words } = share(t)
  const second = new Int32Array(mapShared(fd, 4096, 4096).buffer)
  Atomics.store(words, 1024, 77)
  assert.equal(Atomics.load(second, 0), 77)
})

test('mapShared() shows what another process writes', async t => {
  const shared = share(t)
  await startChild(t, 'token', shared)
  assert.notEqual(Atomics.load(shared.words, ANSWER), -1)
})

test('mapShared() stands a view of MAX_VIEW bytes and refuses one more byte', () => {
  const fd = createMemfd('multiproc-test', 2 ** 40)
  const { buffer, length } = mapShared(fd, 0, MAX_VIEW)
  closeFd(fd)
  assert.equal(length, MAX_VIEW)
  const words = new Int32Array(buffer)
  Atomics.add(words, words.length - 1, 5)
  assert.equal(Atomics.load(words, words.length - 1), 5)
  for (const wrong of [MAX_VIEW + 1, 0, -1, 1.5, Number.NaN]) {
    assert.throws(() => mapShared(fd, 0, wrong), { name: 'ArgumentRangeError', message: new RegExp(`${MAX_VIEW}`) })
  }
})

test('mapShared() of what is no file is SystemCallError', () => {
  assert.throws(() => mapShared(-1, 0, 4096), SystemCallError)
})

test('partOf() shows these bytes of a mapping and no others, and cannot be transferred', t => {
  const { mapping, words } = share(t)
  const part = partOf(mapping, 8, 12) as ArrayBuffer & { transfer?: () => ArrayBuffer }
  assert.equal(part.byteLength, 12)
  new Int32Array(part).fill(5)
  assert.deepEqual([...words.subarray(1, 6)], [words[1], 5, 5, 5, words[5]])
  if (part.transfer) assert.throws(() => part.transfer?.(), /copy it with slice/)
  assert.equal(partOf(mapping, 8, 0).byteLength, 0)
})

test('mapShared() gives a buffer that cannot be transferred away from under its mapping', t => {
  const { buffer } = share(t).mapping as { buffer: ArrayBuffer & { transfer?: () => ArrayBuffer } }
  if (buffer.transfer === undefined) return t.skip('this version of Node.js cannot transfer')
  assert.throws(() => buffer.transfer?.(), /copy it with slice/)
  assert.equal(buffer.slice(0, 8).byteLength, 8)
})

test('a mapping stays while any view of it is reachable, and is unmapped after', () => {
  const program = `
    import { readFileSync } from 'node:fs'
    import { setTimeout as sleep } from 'node:timers/promises'
    import { mapShared } from ${JSON.stringify(import.meta.resolve('#src/os/mapping.js'))}
    import { createMemfd } from ${JSON.stringify(import.meta.resolve('#src/os/memfd.js'))}
    const fd = createMemfd('collected', 1 << 20)
    const mapped = () => readFileSync('/proc/self/maps', 'utf8').includes('memfd:collected')
    let view = new Uint8Array(mapShared(fd, 0, 1 << 20).buffer, 100, 1)
    const collect = async () => { for (let i = 0; i < 20; i++) { gc(); await sleep(1) } }
    await collect()
    view[0] = 5
    const while_reachable = mapped()
    view = undefined
    for (let i = 0; i < 100 && mapped(); i++) await collect()
    console.log(while_reachable, mapped())`
  const output = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
    timeout: 60_000,
  })
  assert.equal(output.toString().trim(), 'true false')
})

test('a mapping that holds the token of a living thread is never unmapped', () => {
  const program = `
    import { readFileSync } from 'node:fs'
    import { setTimeout as sleep } from 'node:timers/promises'
    import { mapShared } from ${JSON.stringify(import.meta.resolve('#src/os/mapping.js'))}
    import { createMemfd } from ${JSON.stringify(import.meta.resolve('#src/os/memfd.js'))}
    import { holdForLife } from ${JSON.stringify(import.meta.resolve('#src/os/robust-mutex.js'))}
    const hold = name => holdForLife(mapShared(createMemfd(name, 1 << 20), 0, 1 << 20).address + 4096n)
    const mapped = name => readFileSync('/proc/self/maps', 'utf8').includes('memfd:' + name)
    mapShared(createMemfd('idle', 1 << 20), 0, 1 << 20)
    hold('token')
    for (let i = 0; i < 2000 && mapped('idle'); i++) { gc(); await sleep(1) }
    hold('second') // walks through the first
    console.log(mapped('idle'), mapped('token'), mapped('second'))`
  const output = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
    timeout: 60_000,
  })
  assert.equal(output.toString().trim(), 'false true true')
})

test('assertAtomicsWork() accepts mapped memory and leaves it as it was', t => {
  const { mapping, words } = share(t)
  words.set([11, 12, 13, 14])
  assertAtomicsWork(mapping.buffer)
  assert.deepEqual([...words.subarray(0, 4)], [11, 12, 13, 14])
})

for (const broken of ['compareExchange', 'add', 'load', 'store'] as const) {
  test(`assertAtomicsWork() refuses a runtime whose ${broken} does nothing or throws`, t => {
    const { buffer } = share(t).mapping
    const ineffective = t.mock.method(Atomics, broken, () => 0)
    assert.throws(() => assertAtomicsWork(buffer), UnsupportedPlatformError)
    ineffective.mock.mockImplementation(() => {
      throw new TypeError('[object ArrayBuffer] is not a shared typed array')
    })
    assert.throws(() => assertAtomicsWork(buffer), UnsupportedPlatformError)
  })
}

test('mapForLife() maps a file for all threads of the process: each makes a view of its own, at the same place', async t => {
  const fd = createMemfd('multiproc-test', 1 << 20)
  const address = mapForLife(fd, 1 << 20)!
  const words = new Int32Array(viewMapped(address, 1 << 20).buffer)
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads')
     import(workerData.module).then(({ viewMapped }) => {
       new Int32Array(viewMapped(workerData.address, 4096).buffer)[3] = 33
       parentPort.postMessage('written')
     })`,
    { eval: true, workerData: { address, module: import.meta.resolve('#src/os/mapping.js') } },
  )
  t.after(() => worker.terminate())
  await once(worker, 'message')
  closeFd(fd)
  assert.equal(words[3], 33)
})

test('mapForLife() of more addresses than there are gives nothing, so that parts can be mapped instead', () => {
  const fd = createMemfd('multiproc-test', 2 ** 40)
  assert.equal(mapForLife(fd, 2 ** 52), undefined)
  closeFd(fd)
})

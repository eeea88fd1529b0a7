// fileno(): readable for poll(2) when poll() is true, lit by others, and gone with the Connection.
import assert from 'node:assert/strict'
import { fstatSync } from 'node:fs'
import { InvalidStateError } from 'multiproc'
import { pollReadable } from '#inside'
import { call, callAndStay, type Outcome } from '../../fixtures/conformance.ts'
import { holdEnd, sendNumbers } from '../../fixtures/conformance-connection.ts'
import { until } from '../../support/children.ts'
import { LIMIT, launch } from '../implementation.ts'
import { ended, killed, type Suite } from '../suite.ts'

export function descriptor({ make, test, death }: Suite): void {
  /** Blocks in the kernel, as a foreign event loop would. */
  const becomesReadable = (fd: number): boolean => {
    for (const end = Date.now() + LIMIT; Date.now() < end; ) if (pollReadable([fd], 200)) return true
    return false
  }
  const isReadable = (fd: number) => pollReadable([fd], 0)

  test('Connection.fileno() is readable when poll() is true, and dark when there is nothing', async () => {
    const [a, b] = await make.pipe()
    await a.send('before it was asked for')
    const fd = b.fileno()
    assert.equal(b.fileno(), fd)
    assert.equal(isReadable(fd), true)
    await b.recv()
    for (const send of ['send', 'sendSync', 'sendBytes', 'sendBytesSync'] as const) {
      assert.equal(isReadable(fd), false)
      await a[send](Uint8Array.of(1))
      await a[send](Uint8Array.of(2))
      assert.equal(isReadable(fd), true)
      assert.equal(isReadable(fd), true)
      await b.recvBytes()
      assert.equal(isReadable(fd), true)
      assert.equal(b.pollSync(), true)
      b.recvSync()
    }
    assert.equal(isReadable(fd), false)
  })

  test('Connection.fileno() is readable at the end, for good', async () => {
    const [a, b] = await make.pipe()
    const fd = b.fileno()
    a.close()
    assert.equal(isReadable(fd), true)
    assert.equal(await b.poll(), true)
    await assert.rejects(b.recv(), { code: 'ERR_MULTIPROC_EOF' })
    assert.equal(isReadable(fd), true)
  })

  test('Connection.fileno() is lit by another process while this one is blocked outside of Node.js', async t => {
    const [mine, theirs] = await make.pipe()
    const fd = mine.fileno()
    const child = launch(t, make, sendNumbers, theirs, 'it', 100)
    theirs.close()
    for (let n = 0; n < 100; n++) {
      // lit for what was received already, when that was quicker than its sender's light: a look makes it dark
      do assert.ok(becomesReadable(fd), 'it was never lit')
      while (!mine.pollSync())
      assert.deepEqual(mine.recvSync({ timeout: 0 }), ['it', n])
    }
    await assert.rejects(mine.recv(), { code: 'ERR_MULTIPROC_EOF' })
    // whoever ends a pipe says so before it lights the descriptors: recv() may know first
    assert.ok(becomesReadable(fd), 'the end was never lit')
    assert.equal(await ended(child), 0)
  })

  death('Connection.fileno() is readable when the other end’s last holder is killed', async t => {
    const [[mine, theirs], held] = [await make.pipe(), await make.event()]
    const fd = mine.fileno()
    const child = launch(t, make, holdEnd, theirs, held)
    theirs.close()
    await held.wait({ timeout: LIMIT })
    assert.equal(isReadable(fd), false)
    await killed(make, child)
    await until(() => isReadable(fd), LIMIT, 'the descriptor to say that this is the end')
  })

  test('Connection.fileno() readable because of what another process took is dark after a look', async t => {
    const [[a, b], to] = [await make.pipe(), await make.queue<Outcome>()]
    const fd = b.fileno()
    await a.send(1)
    launch(t, make, call, b, 'recv', [], to)
    assert.deepEqual(await to.get(), { gave: 1 })
    assert.equal(b.pollSync(), false)
    assert.equal(isReadable(fd), false)
    await a.send(2)
    assert.equal(isReadable(fd), true)
    assert.equal(await b.recv(), 2)
  })

  test('Connection.fileno() is closed with the Connection', async () => {
    const [, b] = await make.pipe()
    const fd = b.fileno()
    assert.ok(fstatSync(fd).isFIFO())
    b.close()
    assert.throws(() => fstatSync(fd), { code: 'EBADF' })
  })

  death(
    'Connection.fileno() for a ninth process is refused; for another in the place of one that was killed it is not',
    async t => {
      const [[a, b], to] = [await make.pipe(), await make.queue<Outcome>()]
      const children = [...Array(7)].map(() => launch(t, make, callAndStay, b, 'fileno', [], to))
      for (const _ of children) assert.ok('gave' in (await to.get({ timeout: LIMIT })))
      const ninth = launch(t, make, callAndStay, b, 'fileno', [], to)
      assert.ok('gave' in (await to.get({ timeout: LIMIT })))
      assert.throws(() => b.fileno(), InvalidStateError)
      await killed(make, ninth)
      const fd = b.fileno()
      await a.send(1)
      assert.equal(isReadable(fd), true)
    },
  )
}

// Many Connections over sockets at once: wait(), timers, and what keeps a process alive.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EOFError, wait } from 'multiproc'
import { run, runNode } from '../../support/children.ts'
import { connected, framed, LIMIT, limit, text, withRawPeer } from '../pair.ts'

export function waiting(): void {
  describe('Connection over a socket: waiting', () => {
    test('wait() gives those that have a whole message, or their end', { timeout: LIMIT }, async t => {
      const [[a, rawA], [b, rawB]] = [await withRawPeer(t), await withRawPeer(t)]
      assert.deepEqual(await wait([a, b], { timeout: 5 }), [])
      rawA.write(framed('abc').subarray(0, 6))
      assert.deepEqual(await wait([a, b], { timeout: 5 }), [])
      const waiting = wait([a, b], limit)
      rawB.end()
      assert.deepEqual(await waiting, [b])
      rawA.write(framed('abc').subarray(6))
      assert.deepEqual(await wait([a], limit), [a])
      assert.equal(text(a.recvBytesSync()), 'abc')
    })

    test('TestWait.test_wait_socket', { timeout: LIMIT }, async t => {
      const pairs = await Promise.all([1, 2, 3, 4].map(() => connected(t)))
      const writers = pairs.map(async ([, theirs], i) => {
        for (let n = 0; n < 10; n++) await theirs.send([i, n])
        theirs.close()
      })
      let left = pairs.map(([ours]) => ours)
      const got: number[][] = []
      while (left.length > 0)
        for (const ready of await wait(left, limit))
          try {
            got.push(await ready.recv({ timeout: 0 }))
          } catch (error) {
            assert.ok(error instanceof EOFError)
            left = left.filter(one => one !== ready)
          }
      await Promise.all(writers)
      const expected = [0, 1, 2, 3].flatMap(i => [...Array(10).keys()].map(n => [i, n]))
      assert.deepEqual(
        got.sort(([a, b], [c, d]) => a - c || b - d),
        expected,
      )
    })

    test('what came while nobody waited is still there, of many Connections, and is a Uint8Array of its own', {
      timeout: LIMIT,
    }, async t => {
      const pairs = await Promise.all(Array.from({ length: 5 }, () => withRawPeer(t)))
      for (const [conn, raw] of pairs) {
        const first = conn.recvBytes(undefined, limit)
        raw.write(framed('first'))
        assert.equal(text(await first), 'first')
      }
      for (const size of [10, 30_000, 200_000]) {
        for (const [i, [, raw]] of pairs.entries()) raw.write(framed(Buffer.alloc(size, i)))
        for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
        for (const [i, [conn]] of pairs.entries())
          assert.deepEqual(await conn.recvBytes(undefined, limit), new Uint8Array(size).fill(i))
      }
    })

    test('receiving in a loop lets timers run', { timeout: LIMIT }, async t => {
      const [a, b] = await connected(t)
      let ticked = false
      setTimeout(() => {
        ticked = true
      }, 1)
      while (!ticked) {
        a.sendSync(1)
        await b.recv(limit)
      }
    })
  })

  describe('what keeps a process alive', () => {
    const program = (body: string) =>
      run([
        process.execPath,
        '--input-type=module',
        '--eval',
        `import { Client, Listener } from 'multiproc'
       const listener = await Listener.listen()
       const [a, b] = await Promise.all([listener.accept(), Client(listener.address)])
       ${body}`,
      ])

    test('a Connection that nobody has any more is closed; one that somebody waits for is not', async () => {
      const { code, stdout, stderr } = await runNode(
        `import { Client, Listener } from 'multiproc'
       const listener = await Listener.listen()
       const connect = async () => Promise.all([listener.accept(), Client(listener.address)])
       const abandon = async () => (await connect())[0]
       const abandonWaiting = async () => {
         const [mine, theirs] = await connect()
         return [mine, theirs.recv()]
       }
       const [c, waiting] = await abandonWaiting()
       const a = await abandon()
       let ended = false
       a.recv().catch(error => { console.log(error.name); ended = true })
       while (!ended) { globalThis.gc(); await new Promise(resolve => setTimeout(resolve, 5)) }
       await c.send('still here')
       console.log(await waiting)`,
        { execArgv: ['--expose-gc'] },
      )
      assert.deepEqual([code, stdout, stderr], [0, 'EOFError\nstill here\n', ''])
    })

    test('an idle Connection and an idle Listener do not, and no file is left; a recv() that waits does', async () => {
      const [idle, waiting] = await Promise.all([
        program(`const { connect } = await import('node:net')
               const guarded = await Listener.listen(undefined, { authkey: 'x', handshakeTimeout: 60_000 })
               const silent = connect({ path: guarded.address })
               await new Promise(resolve => silent.once('data', resolve))
               silent.unref()
               console.log(listener.address)`),
        program(`b.recv().then(n => console.log('got', n)); setTimeout(() => a.send(7), 50).unref()
               setTimeout(() => {}, 0)`),
      ])
      assert.deepEqual([idle.code, idle.late, idle.stderr], [0, false, ''])
      const { existsSync } = await import('node:fs')
      assert.equal(existsSync(idle.stdout.trim()), false)
      assert.deepEqual([waiting.code, waiting.stdout, waiting.stderr], [0, 'got 7\n', ''])
    })
  })
}

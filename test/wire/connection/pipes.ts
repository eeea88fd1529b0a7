// Connections over the ends of a pipe, and over a stream of Node.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import {
  ArgumentRangeError,
  ArgumentTypeError,
  BrokenPipeError,
  Connection,
  EOFError,
  InvalidStateError,
} from 'multiproc'
import { createPipe } from '#src/os/pipe.js'
import { BIG, LIMIT, limit, same, text } from '../pair.ts'

export function pipes(): void {
  describe('Connection.fromFd() of the ends of a pipe', () => {
    test('TestConnection.test_duplex_false', { timeout: LIMIT }, async () => {
      const pipe = createPipe()
      const [reader, writer] = [Connection.fromFd(pipe.read), Connection.fromFd(pipe.write)]
      assert.deepEqual([reader.readable, reader.writable, writer.readable, writer.writable], [true, false, false, true])
      await assert.rejects(reader.send(2), InvalidStateError)
      await assert.rejects(writer.recv(), InvalidStateError)
      assert.throws(() => reader.sendSync(2), InvalidStateError)
      assert.throws(() => writer.recvSync(), InvalidStateError)
      await assert.rejects(writer.poll(), InvalidStateError)
      writer.sendSync(1)
      assert.equal(await reader.recv(limit), 1)
      const waiting = reader.recv(limit)
      await writer.send(2)
      assert.equal(await waiting, 2)
      const message = randomBytes(BIG)
      const sent = writer.sendBytes(message)
      assert.ok(same(await reader.recvBytes(undefined, limit), message))
      await sent
      writer.close()
      await assert.rejects(reader.recv(limit), EOFError)
      reader.close()
    })

    test('the end that sends knows when nobody receives any more; one that receives is closed by a message too long for it', {
      timeout: LIMIT,
    }, async () => {
      for (const size of [1, BIG]) {
        const pipe = createPipe()
        const [reader, writer] = [Connection.fromFd(pipe.read), Connection.fromFd(pipe.write)]
        const sent = writer.sendBytes(Buffer.alloc(size))
        await assert.rejects(reader.recvBytes(0, limit), ArgumentRangeError)
        assert.equal(reader.closed, true)
        if (size === BIG) await assert.rejects(sent, BrokenPipeError)
        else await sent
        await assert.rejects(writer.sendBytes(Buffer.alloc(1)), BrokenPipeError)
        writer.close()
      }
    })

    test('a stream of Node is taken over with what it has read', { timeout: LIMIT }, async () => {
      const program = `require('fs').writeSync(3, Buffer.from('000000026869', 'hex')); require('fs').readSync(3, Buffer.alloc(1))`
      const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] })
      await once(child.stdio[3]!, 'readable')
      const conn = Connection.fromFd(child.stdio[3]!)
      assert.equal(text(await conn.recvBytes(undefined, limit)), 'hi')
      await conn.sendBytes(Buffer.alloc(0))
      await assert.rejects(conn.recvBytes(undefined, limit), EOFError)
      conn.close()
      assert.throws(() => Connection.fromFd(child.stdio[3]!), ArgumentTypeError)
    })
  })
}

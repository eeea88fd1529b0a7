// Shows: a pipe with a path: a shell writes into it, and reads from it, and knows nothing of Node.
// Try: run it, and `ls -l` the path while it waits. Write to it from another terminal.
// Without it: the two programs would need a common parent, or a socket and a protocol.
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { NamedPipe } from 'multiproc/posix'

const where = path.join(tmpdir(), `multiproc-example-${process.pid}`)
const fifo = NamedPipe.create(where)
try {
  // the shell waits at its `>` until somebody reads
  spawn('sh', ['-c', `echo one line from the shell > '${where}'`])
  const reader = await fifo.openReader()
  const line = await reader.read()
  console.log('read:', JSON.stringify(Buffer.from(line!).toString()))
  console.log('then the end:', await reader.read())
  reader.close()

  // and the other way round: `tr` prints what it reads
  const shell = spawn('sh', ['-c', `tr a-z A-Z < '${where}'`], { stdio: ['ignore', 'pipe', 'inherit'] })
  const writer = await fifo.openWriter()
  await writer.write('shouted by the shell')
  writer.close() // the end for tr
  let heard = ''
  for await (const piece of shell.stdout) heard += piece
  console.log('heard:', heard)
} finally {
  fifo.unlink() // the path stays until somebody takes it away
}

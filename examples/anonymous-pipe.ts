// Shows: a pipe of the kernel: a child writes bytes to a raw descriptor, another program reads and writes them too.
// Try: leave out writer.close(): the parent itself is a writer then, and the end never comes.
// Without it: bytes for programs that know nothing of this package would have to go through files.
import { spawn } from 'node:child_process'
import { writeSync } from 'node:fs'
import { isMainProcess, Process } from 'multiproc'
import { type PipeEnd, pipe } from 'multiproc/posix'

/** The child has inherited the end: it is a descriptor like any other. */
export function write(writer: PipeEnd): void {
  writeSync(writer.fd, 'pears\napples\n')
  writer.writeSync('cherries\n')
}

async function readAll(reader: PipeEnd): Promise<string> {
  let text = ''
  for (let bytes = await reader.read(); bytes !== null; bytes = await reader.read()) text += Buffer.from(bytes)
  return text
}

async function main(): Promise<void> {
  const [reader, writer] = pipe()
  const child = new Process({ target: write, args: [writer] })
  child.start()
  writer.close() // the child has its own
  console.log('from the child:', JSON.stringify(await readAll(reader)))
  await child.join()

  // child → sort → us
  const [sortReads, childWrites] = pipe()
  const [weRead, sortWrites] = pipe()
  spawn('sort', { stdio: [sortReads.fd, sortWrites.fd, 'inherit'] })
  const again = new Process({ target: write, args: [childWrites] })
  again.start()
  for (const end of [sortReads, sortWrites, childWrites]) end.close()
  console.log('sorted:', JSON.stringify(await readAll(weRead)))
  await again.join()
}

if (isMainProcess) await main()

// Ends of pipes for a test, and what can be seen of them from outside.
import { readdirSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { type PipeEnd, pipe } from 'multiproc/posix'
import { freshName } from '../support/names.ts'

/** ms: a wait that takes longer has failed. */
export const LIMIT = { timeout: 30_000 }

export const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString())

/** A pipe that is closed after the test. */
export function ends(context: TestContext): [reader: PipeEnd, writer: PipeEnd] {
  const [reader, writer] = pipe()
  context.after(() => {
    reader.close()
    writer.close()
  })
  return [reader, writer]
}

/** All that comes until the end. */
export async function readAll(reader: PipeEnd): Promise<string> {
  let all = ''
  for (let bytes = await reader.read(); bytes !== null; bytes = await reader.read()) all += text(bytes)
  return all
}

/** As /proc names it: of a pipe with its inode, of a FIFO its path. */
export const nameOf = (end: PipeEnd): string => readlinkSync(`/proc/self/fd/${end.fd}`)

/** The descriptors of this process, all its threads, that are pipes; of the one with that name. */
export function openPipes(name = 'pipe:'): string[] {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(name)
    } catch {
      return false // it was that of readdir
    }
  })
}

/** A path that nothing has, in the temporary folder of the run. */
export const freshPath = (): string => path.join(tmpdir(), freshName('fifo'))

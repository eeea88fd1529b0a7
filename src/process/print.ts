/** Saying what went wrong, also when all else fails. */
import { writeSync } from 'node:fs'
import { inspect } from 'node:util'
import { pause } from '#words'

/** A nap of a millisecond (words.ts): a pipe that is full stays so until its reader has had a turn. */
const NAP = 100

/** How deep a chain of causes is printed. */
const CAUSES = 6

export function show(error: unknown): string {
  try {
    return inspect(error, { depth: CAUSES })
  } catch {
    return 'something that cannot be shown' // a getter of its own threw
  }
}

/** To the descriptor: the stream may be replaced, closed or full. */
export function print(text: string | Uint8Array, fd = 2): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done)
    } catch (error) {
      // nobody reads any more: then nobody misses it
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      pause(NAP)
    }
  }
}

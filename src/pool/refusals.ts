/** Why a pool does not do what it is asked for. */
import { ClosedError, FullError, InvalidStateError } from '../contract/errors.ts'

let ending = false
let noticing = false

/** While a program exits nothing can be started any more that it would wait for. */
export function noticeExit(): void {
  if (noticing) return
  noticing = true
  process.prependListener('exit', () => {
    ending = true
  })
}

export const isExiting = (): boolean => ending

export const exiting = () =>
  new InvalidStateError('Expected a task to be given before the end of the program, but it is exiting; give it earlier')

export const notOpen = (state: 'closed' | 'terminated') =>
  new ClosedError(`Expected an open pool, but it was ${state}: make a new one`)

export const unable = (cause: unknown) =>
  new InvalidStateError(
    'Expected a pool whose workers can start, but they cannot; see `cause` for what went wrong, mend it and make a new one',
    { cause },
  )

export const full = (most: number, queued: number) =>
  new FullError(
    `Expected fewer than ${most} waiting tasks (\`maxQueue\`), but there are ${queued}: wait for some, or use imap(), which reads its input as there is room`,
  )

export const terminated = () => new ClosedError('Expected the task to be done, but its pool was terminated before that')

export const cancelled = () => new ClosedError('Expected the task to be begun, but its pool was shut down before that')

export const unread = () =>
  new ClosedError(
    'Expected all results of imap() to be taken before join(), but its input is not read to the end; take them first, or leave the loop',
  )

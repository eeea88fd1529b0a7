/** What an object that has blocks of its own in shared memory needs of the session it is in. */
import type { Words } from '#words'
import type { Allocator, Memory } from './allocator.ts'

export interface Surroundings {
  /** The words that hold the participants. */
  readonly w: Words
  readonly me: number
  readonly allocator: Pick<Allocator, 'allocate' | 'free' | 'owner' | 'setOwner' | 'swapOwner'>
  readonly segment: Pick<Memory, 'wordsAt' | 'indexOf'>
}

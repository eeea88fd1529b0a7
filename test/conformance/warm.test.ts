// Suites on objects in shared memory, with children that are spare processes, booted in advance.
import { setStartMethod } from 'multiproc'
import { everySuite, processes } from './arena.ts'

setStartMethod('warm')

/**
 * Not all of them: that takes two minutes of both cores, and what a child does with an object once it runs is what a
 * child by spawn does. These are the ones in which it matters what a child was given and how it ends: handles and
 * classes in its arguments, being rung, its death in every operation of locks, permits and items; the action of a
 * barrier, which it imports, and its end in peace; names that go with their last holder; processor time. To run all,
 * leave out the list.
 */
everySuite(processes('warm'), {}, [
  'simpleQueue',
  'lock',
  'event',
  'semaphore',
  'barrier',
  'sharedMemory',
  'shareableList',
  'wait',
  'idle',
])

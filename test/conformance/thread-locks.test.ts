// Locks, events, conditions, semaphores and barriers, with children that are threads of this process.
import { everySuite, suitesOf } from './arena.ts'
import { except, threads } from './thread.ts'

everySuite(threads, except, suitesOf('locks'))

// Locks, events, conditions, semaphores and barriers, with children started by spawn.
import { everySuite, processes, suitesOf } from './arena.ts'

everySuite(processes('spawn'), {}, suitesOf('locks'))

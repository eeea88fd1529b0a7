// Queues, connections and wait(), with children that are threads of this process.
import { everySuite, suitesOf } from './arena.ts'
import { except, threads } from './thread.ts'

everySuite(threads, except, suitesOf('channels'))

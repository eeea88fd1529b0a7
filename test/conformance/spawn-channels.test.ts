// Queues, connections and wait(), with children started by spawn.
import { everySuite, processes, suitesOf } from './arena.ts'

everySuite(processes('spawn'), {}, suitesOf('channels'))

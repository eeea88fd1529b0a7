// Every suite on objects in shared memory, with children started by spawn.
import { everySuite, processes } from './arena.ts'

everySuite(processes('spawn'))

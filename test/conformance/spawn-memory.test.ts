// Values, arrays and blocks of memory, and what waiting costs, with children started by spawn.
import { everySuite, processes, suitesOf } from './arena.ts'

everySuite(processes('spawn'), {}, suitesOf('memory'))

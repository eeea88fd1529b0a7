// Values, arrays and blocks of memory, and what waiting costs, with children that are threads of this process.
import { everySuite, suitesOf } from './arena.ts'
import { except, threads } from './thread.ts'

everySuite(threads, except, suitesOf('memory'))

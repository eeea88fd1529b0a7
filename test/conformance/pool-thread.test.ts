// The suite on workers that are threads of this process.
import { poolSuite } from './pool.ts'

const kill = 'a thread cannot be killed from outside, and a signal would end the whole process'

poolSuite('thread', [
  { test: 'K10 a worker that is killed costs the one task that it was running, and is replaced', why: kill },
  { test: 'K12 a worker of an executor that is killed leaves the other futures alone', why: kill },
  { test: 'Of a chunk one item is lost, the one that was running, and none is run twice: kill', why: kill },
  {
    test: 'A worker whose heap is too small: the error says so',
    why: 'the flag that makes the heap small belongs to the process',
  },
])

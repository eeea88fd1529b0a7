// The suite on workers that are processes of their own. Threads: pool-thread.test.ts.
import { poolSuite } from './pool.ts'

poolSuite('spawn')

// The suite on children that are processes of their own, for each way of starting them. Threads: process-thread.test.ts.
import { processSuite } from './process.ts'

processSuite('spawn')
processSuite('warm')

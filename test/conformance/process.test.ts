// The suite on children that are processes of their own, for each way of starting them.
import { processSuite } from './process.ts'

processSuite('spawn')
processSuite('warm')

// The suite on children started in each way.
import { processSuite } from './process.ts'

processSuite('spawn')
processSuite('warm')

const ends = 'threads that a thread has started end with it, and all have the pid of their process'

processSuite('thread', [
  ...['terminate', 'kill'].map(how => ({
    test: `Process.${how}() of a child in a tree of three levels: its daemons end with it, its other children and theirs go on`,
    why: ends,
  })),
  { test: 'Process: a child that is no daemon goes on when its parent is killed', why: ends },
])

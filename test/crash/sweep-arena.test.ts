// A process is killed before each access that an operation makes to shared memory; what the operation promises holds, and all
// that the process had is given back. Here: the arena: memory, joining, children.
import { joinPlan } from './sweep.js'
import { sweepGroup } from './sweep-group.js'

sweepGroup('arena', [joinPlan])

// A process is killed before each access that an operation makes to shared memory; what the operation promises holds, and all
// that the process had is given back. Here: the board of a pool.
import { sweepGroup } from './sweep-group.js'

sweepGroup('pool')

// A process is killed before each access that an operation makes to shared memory; what the operation promises holds, and all
// that the process had is given back. Here: what stands for the objects of a manager.
import { sweepGroup } from './sweep-group.js'

sweepGroup('manager')

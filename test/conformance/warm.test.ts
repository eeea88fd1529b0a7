// Every suite on objects in shared memory, with children that are spare processes, booted in advance.
import { setStartMethod } from 'multiproc'
import { everySuite, processes } from './arena.ts'

setStartMethod('warm')

everySuite(processes('warm'))

// The worker of workerpool.
import workerpool from 'workerpool'
import { mib, noop, work } from './pool-tasks.ts'

workerpool.worker({ noop, work, mib })

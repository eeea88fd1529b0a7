// The worker of poolifier.
import { ThreadWorker } from 'poolifier'
import { mib, noop, work } from './pool-tasks.ts'

export default new ThreadWorker({ noop, work, mib } as never)

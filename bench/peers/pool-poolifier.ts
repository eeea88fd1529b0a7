// The worker of poolifier, as a thread and as a process.
import { isMainThread } from 'node:worker_threads'
import { ClusterWorker, ThreadWorker } from 'poolifier'
import { mib, noop, work } from './pool-tasks.ts'

const tasks = { noop, work, mib } as never
export default isMainThread ? new ClusterWorker(tasks) : new ThreadWorker(tasks)

// A worker thread that sends back what comes, until null.
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', item => {
  if (item === null) parentPort?.close()
  else parentPort?.postMessage(item)
})

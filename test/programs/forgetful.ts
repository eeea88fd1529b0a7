// Closes, joins and releases nothing: one case for each run, named by the argument.
import {
  Condition,
  getAllStartMethods,
  getContext,
  Lock,
  Pipe,
  Process,
  Queue,
  Semaphore,
  setStartMethod,
  share,
  wait,
} from 'multiproc'
import { never, waitForEver } from '../fixtures/programs.ts'

const forgotten: unknown[] = []
const cases: Record<string, () => unknown> = {
  'open objects': async () => {
    const [queue, [a, b], lock] = [new Queue(), Pipe(), new Lock()]
    await queue.put(1)
    await a.send(1)
    await b.recv()
    await lock.acquire()
    forgotten.push(queue, a, b, b.fileno(), lock)
  },
  'waits that are over': async () => {
    const queue = new Queue()
    const controller = new AbortController()
    const aborted = queue.get({ signal: controller.signal, timeout: 1_000_000 }).catch(() => {})
    controller.abort()
    await aborted
    await queue.get({ timeout: 1 }).catch(() => {})
    await wait([queue, new Semaphore()], { timeout: 1_000_000 })
    await new Condition().with(() => {}, { timeout: 1_000_000 })
  },
  'idle spares': () => setStartMethod('warm', { spares: 3 }),
  'daemons that never end': async () => {
    const [queue, ready] = [new Queue(), new Semaphore(0)]
    for (const method of getAllStartMethods()) {
      const context = getContext(method)
      new context.Process({ target: never, daemon: true }).start()
      new context.Process({ target: waitForEver, args: [queue, ready], daemon: true }).start()
      await ready.acquire()
    }
  },
  'what is shared by name': async () => {
    const name = `test.forgetful.${process.pid}`
    const { lock, queue } = await share(name, () => ({ lock: new Lock(), queue: new Queue() }))
    await lock.acquire()
    await queue.get({ timeout: 1 }).catch(() => {})
  },
  'process.exit() in the middle': async () => {
    setStartMethod('warm', { spares: 3 })
    const [queue, ready] = [new Queue(), new Semaphore(0)]
    new Process({ target: waitForEver, args: [queue, ready], daemon: true }).start()
    await ready.acquire()
    void queue.get()
    console.log('the end')
    process.exit()
  },
  // what waits keeps the program alive: the timer does not
  'a wait that is not over': async () => {
    const queue = new Queue<number>()
    setTimeout(() => queue.putNowait(1), 100).unref()
    await queue.get()
    const [a, b] = Pipe<number>()
    setTimeout(() => a.sendSync(1), 100).unref()
    await b.poll(null)
    setTimeout(() => queue.putNowait(1), 100).unref()
    await wait([queue])
  },
}

await cases[process.argv[2]]()
console.log('the end')

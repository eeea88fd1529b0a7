// Shows: every type that a manager has, once: the objects live in its server, a child works on them, the parent looks.
// Try: kill the server (manager.pid) while the child works: all calls reject at once. Or a hundred children.
// Without it: a list that grows, or a dict, would have to be laid out in shared memory by hand.
import { isMainProcess, Manager, Process, type SyncManager } from 'multiproc'

async function oneOfEach(manager: SyncManager) {
  return {
    dict: await manager.dict<string, number>({ pears: 1 }),
    list: await manager.list([3, 1, 2]),
    set: await manager.set(['a', 'b']),
    namespace: await manager.Namespace({ mood: 'curious' }),
    value: await manager.Value('i', 40),
    array: await manager.Array('d', [0, 0.5]),
    queue: await manager.Queue<string>(2),
    jobs: await manager.JoinableQueue<number>(),
    lock: await manager.Lock(),
    rlock: await manager.RLock(),
    semaphore: await manager.Semaphore(2),
    bounded: await manager.BoundedSemaphore(1),
    condition: await manager.Condition(),
    event: await manager.Event(),
    barrier: await manager.Barrier(2),
  }
}

export async function work(all: Awaited<ReturnType<typeof oneOfEach>>): Promise<void> {
  await all.dict.set('apples', 2)
  await all.lock.with(() => all.list.push(4)) // nobody else is in here
  await all.rlock.with(() => all.rlock.with(() => all.set.add('c'))) // twice: it is ours already
  await all.array.set(0, 2.5)
  await all.queue.put('hello')
  await all.semaphore.acquire() // not released: it comes back when this process ends
  await all.event.set()
  await all.value.add(await all.jobs.get())
  await all.jobs.taskDone()
  await all.condition.with(() => all.namespace.set('mood', 'happy'))
  await all.condition.with(() => all.condition.notify())
  await all.barrier.wait()
}

async function main(): Promise<void> {
  await using manager = await Manager()
  const all = await oneOfEach(manager)
  const child = new Process({ target: work, args: [all] })
  child.start()
  await all.event.wait()
  console.log('Event: it is set; Semaphore:', await all.semaphore.getValue(), 'of 2 left')
  await all.jobs.put(2)
  await all.jobs.join()
  console.log('JoinableQueue: all done; Value:', await all.value.get())
  await all.condition.with(() => all.condition.waitFor(async () => (await all.namespace.get('mood')) === 'happy'))
  console.log('Condition: it is so; Namespace:', await all.namespace.entries())
  await all.barrier.wait()
  console.log('dict, list, set:', await all.dict.copy(), await all.list.copy(), await all.set.copy())
  console.log('Barrier: both are there; Array, Queue:', await all.array.slice(), await all.queue.get())
  await all.bounded.release().catch(error => console.log('BoundedSemaphore:', error.name))
  await child.join()
}

if (isMainProcess) await main()

// Handles of every kind reach a child deep inside one argument, and are the same objects there; by every way of starting one.
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  getAllStartMethods,
  getContext,
  JoinableQueue,
  Lock,
  Pipe,
  Queue,
  RawArray,
  RawValue,
  RLock,
  Semaphore,
  ShareableList,
  SharedArray,
  SharedMemory,
  SimpleQueue,
  Value,
} from 'multiproc'
import { type Handles, useEveryHandle } from '../fixtures/programs.ts'

for (const method of getAllStartMethods()) {
  const [mine, theirs] = Pipe<unknown>()
  const handles: Handles = {
    queue: new Queue(),
    tasks: new JoinableQueue(),
    simple: new SimpleQueue(),
    locks: [new Lock(), new RLock(), new Condition()],
    semaphores: [new Semaphore(2), new BoundedSemaphore(2)],
    event: new Event(),
    barrier: new Barrier(2),
    value: new Value('i', 1),
    raw: new RawValue('q', 1n),
    array: new SharedArray('d', [1, 2]),
    rawArray: new RawArray('B', 2),
    text: new SharedArray('c', 'hello'),
    memory: new SharedMemory({ create: true, size: 8 }),
    list: new ShareableList(['parent', 1]),
    connection: theirs,
  }
  try {
    await handles.tasks.put('task')
    const child = new (getContext(method).Process)({
      target: useEveryHandle,
      args: [{ nested: [new Map([['handles', handles]])] }],
    })
    child.start()
    theirs.close()
    await handles.barrier.wait()
    await handles.tasks.join()
    await handles.event.wait()
    const { queue, from } = (await handles.queue.get()) as { queue: unknown; from: string }
    await mine.send({ end: mine, queue }) // the child has both of its own already
    await child.join()
    const { value, raw, array, rawArray, text, memory, list } = handles
    console.log(
      [method, from, queue === handles.queue, await handles.simple.get(), child.exitCode].join(' '),
      [value.value, raw.value, ...array, ...rawArray, text.value, memory.buf[0], ...list].join(' '),
    )
  } finally {
    handles.memory.unlink()
    handles.list.shm.unlink()
    mine.close()
  }
}

// Values, arrays, named memory and what they are made of, killed at each access.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { Queue, RawArray, SharedArray, SharedMemory, Value } from 'multiproc'
import { freshName } from '../support/names.js'
import { type Operation, stock } from './operation.js'

const isThere = (name: string) => existsSync(`/dev/shm/${name}`)

export const memoryOperations: Record<string, Operation> = {
  'Value.add()': {
    prepare: () => ({ value: new Value('i', 40) }),
    act: ({ value }) => value.add(2),
    verify: ({ value }) => {
      assert.equal(value.add(1), value.value)
      assert.ok(value.value === 43 || value.value === 41)
      return value.value === 43 ? 'after' : 'before'
    },
  },
  "Value.add() of a 'q'": {
    prepare: () => ({ value: new Value('q', 2n ** 40n - 1n) }),
    act: ({ value }) => value.add(2n ** 33n),
    verify: ({ value }) => {
      const now = value.value
      if (now === 2n ** 40n - 1n) return 'before'
      assert.equal(now, 2n ** 40n - 1n + 2n ** 33n)
      return 'after'
    },
  },
  'Value.update()': {
    prepare: () => ({ value: new Value('i', 40) }),
    act: ({ value }) => value.update((n: number) => n + 2),
    verify: ({ value }) => {
      const now = value.update((n: number) => n - 40)
      assert.ok(now === 2 || now === 0)
      return now === 2 ? 'after' : 'before'
    },
  },
  'making and closing a Value with its lock': {
    traceless: true,
    prepare: () => ({}),
    ready: () => stock(256, 512),
    act: () => new Value('i').close(),
    verify: () => 'before',
  },

  'making a SharedArray of a few elements, with its lock': {
    traceless: true,
    prepare: () => ({}),
    ready: () => stock(256, 384, 512),
    act: () => new SharedArray('i', [1, 2, 3]),
    verify: () => 'before',
  },
  'making a RawArray in a run of units': {
    traceless: true,
    prepare: () => ({}),
    act: () => new RawArray('d', 200_000),
    verify: () => 'before',
  },
  'SharedArray.update()': {
    prepare: () => ({ array: new SharedArray('i', [40, 1]) }),
    act: ({ array }) =>
      array.update((a: Int32Array) => {
        a[0] += 2
      }),
    verify: ({ array }) => {
      const [now, other] = array.update((a: Int32Array) => [...a])
      assert.equal(other, 1)
      assert.ok(now === 40 || now === 42)
      return now === 42 ? 'after' : 'before'
    },
  },
  'Queue.getNowait() of a SharedArray that nobody else has': {
    prepare: () => {
      const queue = new Queue<any>()
      queue.putNowait(new RawArray('i', [7]))
      return { queue }
    },
    act: ({ queue }) => assert.equal(queue.getNowait()[0], 7),
    verify: ({ queue }) => {
      if (queue.qsize() === 0) return 'after'
      assert.deepEqual([...queue.getNowait()], [7])
      return 'before'
    },
  },

  'making a SharedMemory': {
    traceless: true,
    prepare: () => ({ name: freshName('crash') }),
    ready: () => stock(512),
    act: ({ name }) => new SharedMemory({ name, create: true, size: 100 }),
    verify: ({ name }) => {
      assert.equal(isThere(name), false, 'it is removed by whoever recovers its maker')
      return 'before'
    },
  },
  'making a SharedMemory whose name is taken': {
    traceless: true,
    prepare: () => ({ mine: new SharedMemory({ name: freshName('crash'), create: true, size: 3 }) }),
    ready: ({ mine }) => {
      stock(512)
      return mine.name
    },
    act: (_, name) =>
      assert.throws(() => new SharedMemory({ name, create: true, size: 100 }), { name: 'FileExistsError' }),
    verify: ({ mine }) => {
      assert.equal(new SharedMemory({ name: mine.name }).size, 3)
      mine.unlink()
      return 'before'
    },
  },
  'SharedMemory.unlink() and close()': {
    traceless: true,
    prepare: () => ({ name: freshName('crash') }),
    ready: ({ name }) => {
      stock(512)
      return new SharedMemory({ name, create: true, size: 100 })
    },
    act: (_, shm) => {
      shm.unlink()
      shm.close()
    },
    verify: ({ name }) => {
      assert.equal(isThere(name), false)
      return 'before'
    },
  },
  'putting a SharedMemory into a queue': {
    prepare: () => ({ queue: new Queue<any>(), name: freshName('crash') }),
    ready: ({ name }) => {
      stock(128, 512, 1024)
      return new SharedMemory({ name, create: true, size: 3 })
    },
    act: ({ queue }, shm) => queue.putNowait(shm),
    verify: ({ queue, name }) => {
      if (queue.qsize() === 0) {
        assert.equal(isThere(name), false)
        return 'before'
      }
      const shm = queue.getNowait()
      assert.equal(shm.size, 3)
      assert.ok(isThere(name))
      shm.unlink()
      shm.close()
      return 'after'
    },
  },
}

// Every type that a manager has, its methods, and how their arguments are bound.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostedTypes } from '#src/manager/hosted/hosted-types.js'
import { Client, host, raises, typeNamed } from '../client.js'

const a = new Client('a')

export function types(): void {
  test('every type of SyncManager is there, with the methods that its proxies call', () => {
    const expected: Record<string, string> = {
      dict:
        '__contains__ __delitem__ __getitem__ __iter__ __len__ __setitem__ clear copy get items keys pop popitem setdefault ' +
        'update values __ior__ __or__ __ror__ __reversed__ fromkeys',
      list:
        '__add__ __contains__ __delitem__ __getitem__ __imul__ __len__ __mul__ __reversed__ __rmul__ __setitem__ append count ' +
        'extend index insert pop remove reverse sort clear copy',
      set:
        '__and__ __contains__ __iand__ __ior__ __isub__ __iter__ __ixor__ __len__ __or__ __rand__ __ror__ __rsub__ __rxor__ ' +
        '__sub__ __xor__ __ge__ __gt__ __le__ __lt__ add clear copy difference difference_update discard intersection ' +
        'intersection_update isdisjoint issubset issuperset pop remove symmetric_difference symmetric_difference_update union update',
      Iterator: '__next__ send throw close',
      Event: 'is_set set clear wait',
      Lock: 'acquire release locked',
      RLock: 'acquire release locked',
      Semaphore: 'acquire release locked',
      BoundedSemaphore: 'acquire release locked',
      Condition: 'acquire release locked wait notify notify_all',
      Barrier: '__getattribute__ wait abort reset',
      Namespace: '__getattribute__ __setattr__ __delattr__',
      Value: 'get set',
      Array: '__len__ __getitem__ __setitem__',
      Queue: 'empty full get get_nowait join put put_nowait qsize task_done shutdown',
      JoinableQueue: 'empty full get get_nowait join put put_nowait qsize task_done shutdown',
    }
    assert.deepEqual([...hostedTypes.keys()].sort(), Object.keys(expected).sort())
    for (const [typeid, methods] of Object.entries(expected)) {
      const { exposed } = typeNamed(typeid)
      for (const method of methods.split(' ')) assert.ok(exposed.includes(method), `${typeid}.${method}`)
      for (const method of exposed) assert.match(method, /^[A-Za-z_]\w*$/, 'Python has to be able to write it')
    }
  })

  test('a method that a type does not have is an AttributeError', () => {
    for (const name of ['nothing', 'constructor', '__proto__', 'toString']) {
      assert.throws(
        () => a.do(host('dict'), name),
        raises('AttributeError', `'dict' object has no attribute '${name}'`),
      )
    }
  })

  test('arguments are bound as in Python, and refused in its words', () => {
    const refused = (
      typeid: string,
      method: string,
      args: unknown[],
      kwargs: Record<string, unknown>,
      text: string,
    ) => {
      const { outcome } = a.ask(host(typeid), method, args, kwargs)
      assert.ok(typeof outcome === 'object' && 'error' in outcome)
      raises('TypeError', text)(outcome.error)
    }
    refused('list', 'append', [], {}, 'list.append() takes exactly one argument (0 given)')
    refused('list', 'append', [1, 2], {}, 'list.append() takes exactly one argument (2 given)')
    refused('list', 'insert', [1], {}, 'insert expected 2 arguments, got 1')
    refused('list', 'reverse', [1], {}, 'list.reverse() takes no arguments (1 given)')
    refused('list', 'append', [1], { value: 1 }, 'list.append() takes no keyword arguments')
    refused('list', 'sort', [], { order: 1 }, "list.sort() got an unexpected keyword argument 'order'")
    refused('list', 'sort', [null], {}, 'list.sort() takes 0 positional arguments but 1 was given')
    refused('dict', 'get', [], {}, 'get expected at least 1 argument, got 0')
    refused('dict', 'get', [1, 2, 3], {}, 'get expected at most 2 arguments, got 3')
    refused('Queue', 'get', [1, 2, 3], {}, 'Queue.get() takes from 0 to 2 positional arguments but 3 were given')
    refused('Queue', 'put', [], { timeout: 1 }, "Queue.put() missing 1 required positional argument: 'item'")
    refused('Queue', 'put', [1], { item: 2 }, "Queue.put() got multiple values for argument 'item'")
    refused('Queue', 'get', [], { wait: 2 }, "Queue.get() got an unexpected keyword argument 'wait'")
    refused(
      'Queue',
      'get',
      [],
      JSON.parse('{"__proto__": 2}'),
      "Queue.get() got an unexpected keyword argument '__proto__'",
    )
    assert.throws(
      () => host('Value'),
      raises('TypeError', "Value() missing 2 required positional arguments: 'typecode' and 'value'"),
    )
    assert.throws(() => host('Lock', [1]), raises('TypeError', 'Lock() takes no arguments (1 given)'))
  })
}

// What stands for a value of Python's goes through a queue as itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ByteArray,
  dumps,
  FrozenSet,
  PreciseDate,
  PyFloat,
  PythonDate,
  PythonDatetime,
  PythonGlobal,
  PythonObject,
  PythonTime,
  PythonTimedelta,
  Queue,
  tuple,
} from 'multiproc'

const zone = new PythonObject('datetime', 'timezone', [new PythonTimedelta(0, 3600)])
const values = {
  tuple: tuple(1, 'a', tuple()),
  'key of a Map': new Map([[tuple(1, 2), 3]]),
  FrozenSet: new FrozenSet([1, tuple(2)]),
  ByteArray: ByteArray.of(1, 2, 3),
  PyFloat: new PyFloat(1),
  PreciseDate: new PreciseDate(1_000_000_000_001, 999),
  PythonDate: new PythonDate(2026, 11, 21),
  PythonTime: new PythonTime(23, 59, { second: 1, microsecond: 2, fold: 1, tzinfo: zone }),
  PythonDatetime: new PythonDatetime(2026, 11, 21, 23, 59, { second: 1, microsecond: 2, tzinfo: zone }),
  PythonTimedelta: new PythonTimedelta(-1, 2, 3),
  PythonGlobal: new PythonGlobal('builtins', 'int'),
  PythonObject: new PythonObject('decimal', 'Decimal', tuple('19.90'), { kwargs: { a: 1 }, bare: true, state: [1] }),
}

for (const [what, value] of Object.entries(values)) {
  test(`Queue.get() gives ${what} as it was put: Python gets the same`, () => {
    const queue = new Queue()
    queue.putNowait(value)
    const got = queue.getNowait()
    queue.close()
    assert.deepEqual(got, value)
    assert.equal(Object.getPrototypeOf(got), Object.getPrototypeOf(value))
    assert.deepEqual(Buffer.from(dumps(got)), Buffer.from(dumps(value)))
  })
}

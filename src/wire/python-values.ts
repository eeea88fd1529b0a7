/**
 * What stands for a value of Python's travels as itself between our own processes, too: a tuple that came through a socket is
 * still one when it has gone through a queue, and when it comes back to Python.
 */
import { registerClass } from '../codec/register-class.ts'
import { ByteArray } from '../pickle/byte-array.ts'
import { PreciseDate, PythonDate, PythonDatetime, PythonTime, PythonTimedelta } from '../pickle/datetime.ts'
import { FrozenSet } from '../pickle/frozen-set.ts'
import { PyFloat } from '../pickle/py-float.ts'
import { PythonGlobal, PythonObject } from '../pickle/python-object.ts'
import { Tuple } from '../pickle/tuple.ts'

/** For children, too: each process does it once, when it loads the package. */
export function registerPythonValues(): void {
  registerClass(Tuple, {
    name: 'multiproc.Tuple',
    pack: items => [...items],
    unpack: items => Tuple.from(items) as Tuple,
  })
  registerClass(FrozenSet, {
    name: 'multiproc.FrozenSet',
    pack: set => [...set],
    unpack: items => new FrozenSet(items),
  })
  registerClass(ByteArray, {
    name: 'multiproc.ByteArray',
    pack: bytes => new Uint8Array(bytes),
    unpack: bytes => new ByteArray(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length),
  })
  registerClass(PyFloat, { name: 'multiproc.PyFloat', pack: float => float.value, unpack: value => new PyFloat(value) })
  registerClass(PreciseDate, {
    name: 'multiproc.PreciseDate',
    pack: date => [date.getTime(), date.microseconds] as const,
    unpack: ([time, microseconds]) => new PreciseDate(time, microseconds),
  })
  registerClass(PythonDate, {
    name: 'multiproc.PythonDate',
    pack: ({ year, month, day }) => [year, month, day] as const,
    unpack: ([year, month, day]) => new PythonDate(year, month, day),
  })
  registerClass(PythonTime, {
    name: 'multiproc.PythonTime',
    pack: time => ({ ...time }),
    unpack: time => new PythonTime(time.hour, time.minute, time),
  })
  registerClass(PythonDatetime, {
    name: 'multiproc.PythonDatetime',
    pack: time => ({ ...time }),
    unpack: time => new PythonDatetime(time.year, time.month, time.day, time.hour, time.minute, time),
  })
  registerClass(PythonTimedelta, {
    name: 'multiproc.PythonTimedelta',
    pack: ({ days, seconds, microseconds }) => [days, seconds, microseconds] as const,
    unpack: ([days, seconds, microseconds]) => new PythonTimedelta(days, seconds, microseconds),
  })
  registerClass(PythonGlobal, {
    name: 'multiproc.PythonGlobal',
    pack: ({ module, name }) => [module, name] as const,
    unpack: ([module, name]) => new PythonGlobal(module, name),
  })
  registerClass(PythonObject, {
    name: 'multiproc.PythonObject',
    pack: object => ({ ...object }),
    unpack: packed => new PythonObject(packed.module, packed.name, packed.args, packed),
  })
}

/** SharedMemory and ShareableList in a pickle: by their names, as Python writes them. */
import { FileNotFoundError, InvalidStateError } from '../../contract/errors.ts'
import { type PythonCall, PythonGlobal, PythonObject } from '../../pickle/python-object.ts'
import { tuple } from '../../pickle/tuple.ts'
import { ShareableList } from '../../shared/shareable-list.ts'
import { SharedMemory } from '../../shared/shared-memory.ts'

const MODULE = 'multiprocessing.shared_memory'

export function reduceShared(value: object): PythonCall | undefined {
  if (value instanceof SharedMemory)
    return { module: MODULE, name: 'SharedMemory', args: [value.name, false, value.size] }
  if (!(value instanceof ShareableList)) return undefined
  const cls = new PythonGlobal(MODULE, 'ShareableList')
  const state = tuple(cls, tuple(), new Map([['name', value.shm.name]]), null)
  const callable = new PythonObject('functools', 'partial', [cls], { state })
  return { module: 'functools', name: 'partial', args: [], callable }
}

/** Attached; undefined: it is something else, or there is no memory of that name here. */
export function restoreShared(object: PythonObject): SharedMemory | ShareableList | undefined {
  const { module, name, args, callable } = object
  try {
    if (module === MODULE && name === 'SharedMemory' && typeof args[0] === 'string') {
      return new SharedMemory({ name: args[0] })
    }
    const list = callable && listName(callable)
    return list === undefined ? undefined : new ShareableList(null, { name: list })
  } catch (error) {
    if (error instanceof FileNotFoundError || error instanceof InvalidStateError) return undefined
    throw error
  }
}

function listName({ module, name, state }: PythonObject): string | undefined {
  if (module !== 'functools' || name !== 'partial' || !Array.isArray(state)) return undefined
  const [cls, , keywords] = state
  if (!(cls instanceof PythonGlobal) || cls.module !== MODULE || cls.name !== 'ShareableList') return undefined
  const found = keywords instanceof Map ? keywords.get('name') : undefined
  return typeof found === 'string' ? found : undefined
}

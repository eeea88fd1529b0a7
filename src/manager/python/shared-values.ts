/** SharedMemory and ShareableList in a pickle: by their names, as Python writes them. */
import { FileNotFoundError, InvalidStateError } from '../../contract/errors.ts'
import { type PythonCall, PythonGlobal, PythonObject } from '../../pickle/python-object.ts'
import { tuple } from '../../pickle/tuple.ts'
import { ShareableList } from '../../shared/shareable-list.ts'
import { SharedMemory } from '../../shared/shared-memory.ts'

const MODULE = 'multiprocessing.shared_memory'
/** How a Connection writes functools.partial(ShareableList, name=…), which a list is the result of. */
const PARTIAL = ['multiprocessing.reduction', '_rebuild_partial'] as const

export function reduceShared(value: object): PythonCall | undefined {
  if (value instanceof SharedMemory)
    return { module: MODULE, name: 'SharedMemory', args: [value.name, false, value.size] }
  if (!(value instanceof ShareableList)) return undefined
  const cls = new PythonGlobal(MODULE, 'ShareableList')
  const given = [cls, tuple(), new Map([['name', value.shm.name]])]
  const callable = new PythonObject(PARTIAL[0], PARTIAL[1], given)
  return { module: PARTIAL[0], name: PARTIAL[1], args: [], callable }
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

function listName({ module, name, args, state }: PythonObject): string | undefined {
  const isPartial = module === PARTIAL[0] && name === PARTIAL[1]
  if (!isPartial && (module !== 'functools' || name !== 'partial' || !Array.isArray(state))) return undefined
  const [cls, , keywords] = isPartial ? args : (state as unknown[])
  if (!(cls instanceof PythonGlobal) || cls.module !== MODULE || cls.name !== 'ShareableList') return undefined
  const found = keywords instanceof Map ? keywords.get('name') : undefined
  return typeof found === 'string' ? found : undefined
}

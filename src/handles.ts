/** Which class stands behind each kind of shared object, and which of our own travel by value: the only place that names them all. */
import { registerKinds } from './arena/kinds.ts'
import { openDescriptorsBy } from './channel/connection.ts'
import { joinableQueueKind } from './channel/joinable-queue.ts'

import { pipeCoreKind } from './channel/pipe-core.ts'
import { pipeEndKind } from './channel/pipe-end.ts'
import { queueKind } from './channel/queue.ts'
import { simpleQueueKind } from './channel/simple-queue.ts'
import { taskBoardKind } from './channel/task-board.ts'
import { registerClass } from './codec/register-class.ts'
import { nameKind } from './commons/name.ts'
import { referentKind } from './manager/referent.ts'
import { resolveTarget } from './process/target.ts'
import { ShareableList } from './shared/shareable-list.ts'
import { sharedArrayKind } from './shared/shared-array.ts'
import { sharedMemoryKind } from './shared/shared-memory.ts'
import { valueKind } from './shared/value.ts'
import { referToFunctionsBy } from './sync/action.ts'
import { barrierKind } from './sync/barrier.ts'
import { boundedSemaphoreKind } from './sync/bounded-semaphore.ts'

import { conditionKind } from './sync/condition.ts'
import { eventKind } from './sync/event.ts'
import { lockKind } from './sync/lock.ts'
import { rlockKind } from './sync/rlock.ts'
import { semaphoreKind } from './sync/semaphore.ts'
import { connectionOn } from './wire/from-fd.ts'
import { registerPythonValues } from './wire/python-values.ts'

registerKinds([
  lockKind,
  rlockKind,
  eventKind,
  valueKind,
  queueKind,
  sharedArrayKind,
  sharedMemoryKind,
  semaphoreKind,
  boundedSemaphoreKind,
  barrierKind,
  nameKind,
  conditionKind,
  joinableQueueKind,
  simpleQueueKind,
  pipeCoreKind,
  pipeEndKind,
  referentKind,
  taskBoardKind,
])

// a list is nothing but its block, which travels as a handle
registerClass(ShareableList, {
  name: 'multiproc.ShareableList',
  pack: list => list.shm,
  unpack: shm => new ShareableList(shm),
})

referToFunctionsBy(resolveTarget)
openDescriptorsBy(connectionOn)
registerPythonValues()

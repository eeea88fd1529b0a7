/** Which class stands behind each kind of shared object: the only place that names them all. */
import { registerKinds } from './arena/kinds.ts'
import { queueKind } from './channel/queue.ts'
import { resolveTarget } from './process/target.ts'
import { valueKind } from './shared/value.ts'
import { referToFunctionsBy } from './sync/action.ts'
import { barrierKind } from './sync/barrier.ts'
import { boundedSemaphoreKind } from './sync/bounded-semaphore.ts'
import { eventKind } from './sync/event.ts'
import { lockKind } from './sync/lock.ts'
import { rlockKind } from './sync/rlock.ts'
import { semaphoreKind } from './sync/semaphore.ts'

registerKinds([lockKind, rlockKind, eventKind, valueKind, queueKind, semaphoreKind, boundedSemaphoreKind, barrierKind])
referToFunctionsBy(resolveTarget)

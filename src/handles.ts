/** Which class stands behind each kind of shared object: the only place that names them all. */
import { registerKinds } from './arena/kinds.ts'
import { joinableQueueKind } from './channel/joinable-queue.ts'
import { queueKind } from './channel/queue.ts'
import { simpleQueueKind } from './channel/simple-queue.ts'
import { valueKind } from './shared/value.ts'
import { eventKind } from './sync/event.ts'
import { lockKind } from './sync/lock.ts'
import { rlockKind } from './sync/rlock.ts'

registerKinds([lockKind, rlockKind, eventKind, valueKind, queueKind, joinableQueueKind, simpleQueueKind])

/** Which class stands behind each kind of shared object: the only place that names them all. */
import { registerKinds } from './arena/kinds.ts'
import { pipeCoreKind } from './channel/pipe-core.ts'
import { pipeEndKind } from './channel/pipe-end.ts'
import { queueKind } from './channel/queue.ts'
import { valueKind } from './shared/value.ts'
import { eventKind } from './sync/event.ts'
import { lockKind } from './sync/lock.ts'
import { rlockKind } from './sync/rlock.ts'

registerKinds([lockKind, rlockKind, eventKind, valueKind, queueKind, pipeCoreKind, pipeEndKind])

/** Which class stands behind each kind of shared object: the only place that names them all. */
import { registerKinds } from './arena/kinds.ts'
import { queueKind } from './channel/queue.ts'
import { valueKind } from './shared/value.ts'
import { conditionKind } from './sync/condition.ts'
import { eventKind } from './sync/event.ts'
import { lockKind } from './sync/lock.ts'
import { rlockKind } from './sync/rlock.ts'

registerKinds([lockKind, rlockKind, eventKind, valueKind, queueKind, conditionKind])

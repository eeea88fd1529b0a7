/** All types that a manager's server can hold, by their names. */
import { arrayType } from './array.ts'
import { barrierType } from './barrier.ts'
import { conditionType } from './condition.ts'
import { dictType } from './dict.ts'
import { eventType } from './event.ts'
import type { HostedType } from './hosted-type.ts'
import { iteratorType } from './iterator.ts'
import { joinableQueueType } from './joinable-queue.ts'
import { listType } from './list.ts'
import { lockType, rlockType } from './lock.ts'
import { namespaceType } from './namespace.ts'
import { queueType } from './queue.ts'
import { boundedSemaphoreType, semaphoreType } from './semaphore.ts'
import { setType } from './set.ts'
import { valueType } from './value.ts'

export const hostedTypes: ReadonlyMap<string, HostedType> = new Map(
  [
    dictType,
    listType,
    setType,
    namespaceType,
    valueType,
    arrayType,
    queueType,
    joinableQueueType,
    lockType,
    rlockType,
    semaphoreType,
    boundedSemaphoreType,
    conditionType,
    eventType,
    barrierType,
    iteratorType,
  ].map(type => [type.typeid, type]),
)

// All operations that the sweep kills, and all legacies that it lets others come upon: in groups, each of which has a test file.
import { arenaLegacies, arenaOperations } from './arena-operations.js'
import { conditionLegacies, conditionOperations } from './condition-operations.js'
import { connectionOperations } from './connection-operations.js'
import { joinableQueueLegacies, joinableQueueOperations } from './joinable-queue-operations.js'
import { lockOperations } from './lock-operations.js'
import { managerOperations } from './manager-operations.js'
import { memoryOperations } from './memory-operations.js'
import type { Legacy, Operation } from './operation.js'
import { poolOperations } from './pool-operations.js'
import { queueLegacies, queueOperations } from './queue-operations.js'
import { semaphoreLegacies, semaphoreOperations } from './semaphore-operations.js'
import { shareLegacies, shareOperations } from './share-operations.js'

export interface Group {
  readonly operations: Record<string, Operation>
  readonly legacies?: Record<string, Legacy>
}

/** By the name in that of the test file, as in sweep-queue.test.ts. */
export const groups = {
  arena: { operations: arenaOperations, legacies: arenaLegacies },
  condition: { operations: conditionOperations, legacies: conditionLegacies },
  connection: { operations: connectionOperations },
  joinable: { operations: joinableQueueOperations, legacies: joinableQueueLegacies },
  lock: { operations: lockOperations },
  manager: { operations: managerOperations },
  memory: { operations: memoryOperations },
  pool: { operations: poolOperations },
  queue: { operations: queueOperations, legacies: queueLegacies },
  semaphore: { operations: semaphoreOperations, legacies: semaphoreLegacies },
  share: { operations: shareOperations, legacies: shareLegacies },
} satisfies Record<string, Group>

const all: readonly Group[] = Object.values(groups)

export const operations: Record<string, Operation> = Object.assign({}, ...all.map(group => group.operations))
export const legacies: Record<string, Legacy> = Object.assign({}, ...all.map(group => group.legacies))

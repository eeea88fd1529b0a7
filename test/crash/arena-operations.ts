// What the arena itself does while its process is killed at each access: memory, and children.
import { Process } from 'multiproc'
import { leave } from '#src/arena/latch.js'
import { HEADER } from '#src/arena/layout.js'
import { guard } from '#src/arena/runs.js'
import { currentSession } from '#src/arena/session.js'
import { peek, poke } from '../support/words.crash.js'
import { type Legacy, type Operation, stock } from './operation.js'

/** More than any hole between other runs. */
const LARGE = 20_000_000

/** The next search for a run begins at the beginning, as it does now and then. */
function rewind(): void {
  const { w, me } = currentSession()
  guard(w, me)
  poke(w, HEADER.nextUnit, peek(w, HEADER.firstUnit))
  leave(w, HEADER.allocatorLatch, me)
}

export const arenaOperations: Record<string, Operation> = {
  'allocating a run of units where freed ones lie side by side': {
    traceless: true,
    prepare: () => ({}),
    act: () => {
      const { allocator } = currentSession()
      for (const run of [allocator.allocate(LARGE), allocator.allocate(LARGE)]) allocator.free(run)
      rewind()
      allocator.allocate(LARGE)
    },
    verify: () => 'before',
  },
  'Process.start()': {
    traceless: true,
    prepare: () => ({}),
    ready: () => stock(256, 512, 768, 1024, 1536),
    act: () => new Process({ target: nothing, stdio: 'ignore' }).start(),
    verify: () => 'before',
  },
}

export const arenaLegacies: Record<string, Legacy> = {
  'a run half taken, under the latch of the allocator': {
    traceless: true,
    prepare: () => ({}),
    act: () => allocate(),
    step: 'runs.ts [U3]',
    inherit: () => allocate(),
    verify: () => 'before',
  },
}

export function nothing(): void {}

function allocate(): void {
  currentSession().allocator.allocate(1_200_000)
}

// What the arena itself does while its process is killed at each access: memory, and children.
import assert from 'node:assert/strict'
import { Process } from 'multiproc'
import { HEADER, UNIT } from '#src/arena/layout.js'
import { underGuard } from '#src/arena/runs.js'
import { currentSession } from '#src/arena/session.js'
import { peek, poke } from '../support/words.crash.js'
import { playFirst } from './actor.js'
import { type Legacy, type Operation, stock } from './operation.js'

/** A size of block that nothing else here needs. */
const RARE = 16_384
/** More than any hole between other runs. */
const LARGE = 20_000_000

/** The next search for a run begins at the beginning, as it does now and then. */
function rewind(): void {
  const { w, me } = currentSession()
  underGuard(w, me, () => poke(w, HEADER.nextUnit, peek(w, HEADER.firstUnit)))
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
  'taking over the slab of one who died': {
    traceless: true,
    understudy: true,
    prepare: () => ({}),
    ready: () => playFirst({ part: 'allocateAndDie', args: [RARE] }),
    act: () => {
      const { allocator } = currentSession()
      allocator.free(allocator.allocate(RARE))
    },
    verify: () => 'before',
  },
  'giving back slabs in which nothing is left': {
    traceless: true,
    prepare: () => ({}),
    ready: () => stock(...Array.from({ length: 2 * (UNIT / RARE) }, () => RARE)),
    act: () => currentSession().allocator.trim(),
    verify: () => 'before',
  },
  'taking back the place of a child that will not come': {
    traceless: true,
    prepare: () => ({}),
    ready: () => currentSession().reserve('nobody'),
    act: (_, token) => assert.equal(currentSession().withdraw(token), true),
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

/** In a process that takes a block and dies. */
export function allocateAndDie(bytes: number): void {
  currentSession().allocator.allocate(bytes)
  process.kill(process.pid, 'SIGKILL')
}

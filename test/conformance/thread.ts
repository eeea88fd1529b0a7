// The objects in shared memory, with children that are threads of this process.
import { type Process, setStartMethod } from 'multiproc'
import { currentSession, SLOT, slotAt } from '#inside'
import { objects, slotOf, wordOf } from './arena.ts'
import type { Implementation } from './implementation.ts'

setStartMethod('thread')

/** The kernel's number for the thread, by which its mutex names it. */
const threadOf = (child: Process): number => wordOf(child, SLOT.mutex + wordOf(child, SLOT.liveness)!)! & 0x3fffffff

/** What they do not promise. */
export const except = {
  condition: ['wait', 'waitSync'].map(how => ({
    test: `K7 Condition.${how}() killed after it was notified, before it could act: the next one wakes`,
    why: 'a single thread cannot be stopped',
  })),
  connection: ['awaited', 'blocking'].map(how => ({
    test: `TestIgnoreEINTR.test_ignore — receiving and sending, ${how}, go on after a signal that is handled; large messages stay whole`,
    why: 'a signal cannot be sent to a thread',
  })),
}

export const threads: Implementation = {
  ...objects,
  name: 'thread',
  rungBy: async (children, change) => {
    // a single thread cannot be stopped: so it is not the rung word that is looked at, but who writes it
    const words = children.map(child => slotAt(slotOf(child)!) + SLOT.rung)
    const rung = new Set<number>()
    const { exchange } = Atomics
    Atomics.exchange = ((w: Int32Array, i: number, value: number) => {
      if (w === currentSession().w && value === 1) rung.add(i)
      return exchange(w, i, value)
    }) as typeof exchange
    try {
      change()
    } finally {
      Atomics.exchange = exchange
    }
    return words.map(word => rung.has(word))
  },
  task: child => `/proc/self/task/${threadOf(child)}`,
  deathCode: 9,
}

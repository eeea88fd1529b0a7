// The suite of share(), in a file of its own: it starts many programs.
import { Event, Lock, Process, Queue, Value } from 'multiproc'
import { check, currentSession, joinedCommons } from '#inside'
import type { Implementation } from './implementation.ts'
import { shareSuite } from './share.ts'

/** As much of an implementation as the suite asks for. */
const commons: Partial<Implementation> = {
  name: 'programs',
  queue: options => new Queue(options),
  lock: () => new Lock(),
  event: () => new Event(),
  value: (type, initial, options) => new Value(type, initial, options),
  process: options => new Process(options),
  impossible: () => [currentSession(), joinedCommons()].flatMap(session => (session ? check(session) : [])),
}

shareSuite(commons as Implementation)

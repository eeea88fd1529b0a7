// Connections over sockets: what goes in at one end comes out at the other, whole and in order, whoever stops waiting in between.
import { ends } from './connection/ends.ts'
import { everyFamily } from './connection/families.ts'
import { patience } from './connection/patience.ts'
import { pipes } from './connection/pipes.ts'
import { refusals } from './connection/refusals.ts'
import { waiting } from './connection/waiting.ts'

for (const part of [everyFamily, pipes, patience, ends, refusals, waiting]) part()

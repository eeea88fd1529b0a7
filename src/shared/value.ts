/**
 * One number or character that processes share.
 *
 *   bits (two words, 8-byte aligned)        an integer of up to 32 bits, a float32 or a character uses the first only
 *
 * Who writes the words: anyone; a write is one store, a change by add() one compareExchange.
 * If a process dies: a store happened or did not; nothing is torn. In update() the lock is free for the next one, whose
 * hold is `abandoned`; the value is the old or the new one.
 */
import { compareExchange, compareExchange64, load, load64, store, store64 } from '#words'
import { checkHolder } from '../arena/check.ts'
import type { Kind } from '../arena/kinds.ts'
import { peek, poke } from '#words'
import { bodyAt, dropReference, PARCEL_WORDS } from '../arena/references.ts'

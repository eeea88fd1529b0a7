// Blocks that lie across the border of two windows, through which a process sees the memory.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Lock } from 'multiproc'
import { check } from '#src/arena/check.js'
import { HEADER, UNIT } from '#src/arena/layout.js'
import { openParcel, sealParcel } from '#src/arena/parcel.js'
import { giveRun, takeRun } from '#src/arena/runs.js'
import { currentSession } from '#src/arena/session.js'
import { peek, poke } from '#words'

const UNITS_PER_WINDOW = 2 ** 30 / UNIT

/** Makes what is allocated next begin in the last unit of the first window. Takes addresses only, no memory. */
function fillUpToBorder(t: TestContext): void {
  const { w, me } = currentSession()
  const limit = peek(w, HEADER.limitUnits)
  poke(w, HEADER.limitUnits, peek(w, HEADER.units))
  const next = takeRun(w, me, 1)
  const filling = takeRun(w, me, UNITS_PER_WINDOW - 1 - (next + 1))
  t.after(() => {
    for (const unit of [next, filling]) giveRun(w, me, unit, false)
    poke(w, HEADER.limitUnits, limit)
  })
}

test('a message whose handles lie on both sides of a border of windows arrives whole', t => {
  const session = currentSession()
  const lock = new Lock()
  fillUpToBorder(t)
  const handles = Array<Lock>(70_000).fill(lock)
  const bytes = Uint8Array.of(1, 2, 3)
  const message = {
    headLength: 3,
    byteLength: 3,
    handles,
    pathOf: () => '',
    writeTo: (target: Uint8Array) => target.set(bytes),
    writeWordsTo() {},
  }
  const block = sealParcel(session, message)
  assert.equal(block / UNIT, UNITS_PER_WINDOW - 1)
  assert.deepEqual(check(session), [])
  const parcel = openParcel(session, block)
  assert.ok(parcel.handles.length === handles.length && parcel.handles.every(handle => handle === lock))
  assert.deepEqual(parcel.bytes, bytes)
  parcel.free()
  assert.deepEqual(check(session), [])
  lock.acquireSync({ timeout: 0 }).release()
  lock.close()
})

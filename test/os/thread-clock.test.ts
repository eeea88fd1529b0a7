import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { threadTime } from '#src/os/thread-clock.js'

test('threadTime() goes on while this thread computes, and not while it sleeps', async () => {
  const before = threadTime()
  for (const end = performance.now() + 10_000; threadTime() < before + 20; ) {
    assert.ok(performance.now() < end, 'it stands still')
  }
  const [then, began] = [threadTime(), performance.now()]
  await setTimeout(300)
  const [awake, took] = [threadTime() - then, performance.now() - began]
  assert.ok(awake < took / 2, `${awake} ms of ${took}`)
})

// Processes that are killed while they put, get, or wait: what the others see. K3 and K4 of the death matrix, and more.
import assert from 'node:assert/strict'
import { ShutDownError, TimeoutError } from 'multiproc'
import { call, type Outcome, waitIn } from '../../fixtures/conformance.ts'
import { consume, isFilledWith, putAndStay, putLarge } from '../../fixtures/conformance-queue.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, killed, type Suite } from '../suite.ts'

const readers = ['get', 'getSync', 'getMany'] as const

export function deaths({ make, death }: Suite): void {
  for (const form of readers) {
    const args = form === 'getMany' ? [4] : []

    death(`K3 Queue.${form}() whose process is killed while it waits takes nothing: this process gets all`, async t => {
      const queue = await make.queue<number>()
      const victim = launch(t, make, waitIn, queue, form, ...args)
      await asleep(make, victim)
      await killed(make, victim)
      for (let n = 0; n < 100; n++) await queue.put(n)
      for (let n = 0; n < 100; n++) assert.equal(n % 2 ? await queue.get() : queue.getSync({ timeout: LIMIT }), n)
    })

    death(`K3 Queue.${form}() killed beside another process that waits too: that one gets all`, async t => {
      const [queue, report] = [await make.queue<number>(), await make.queue()]
      const victim = launch(t, make, waitIn, queue, form, ...args)
      const other = launch(t, make, consume, queue, report, 'other', form)
      await asleep(make, victim, other)
      await killed(make, victim)
      for (let n = 0; n < 20; n++) {
        await queue.put(n)
        assert.deepEqual(await report.get(), ['other', n])
      }
      queue.shutdown()
      assert.deepEqual(await report.get(), ['other', 'end'])
      assert.equal(await ended(other), 0)
    })

    death(`K3 Queue.${form}() killed in the moment an item comes: the item was its, or is the next one's`, async t => {
      const queue = await make.queue<number>()
      for (let round = 0; round < 4; round++) {
        const victim = launch(t, make, waitIn, queue, form, ...args)
        await asleep(make, victim)
        queue.putNowait(round)
        victim.kill()
        assert.ok([0, -9].includes((await ended(victim)) as number)) // 0: it was quicker
        assert.ok(queue.qsize() <= 1)
        queue.putNowait(-1)
        const seen = await queue.getMany(5, { timeout: LIMIT })
        if (seen.length < 2 && seen[0] !== -1) seen.push(...(await queue.getMany(5)))
        assert.deepEqual(seen.at(-1), -1)
        assert.ok(seen.length === 1 || seen[0] === round)
      }
    })

    death(`Queue.${form}() here, waiting when its neighbour that waits is killed, gets what comes`, async t => {
      const queue = await make.queue<number>()
      const victim = launch(t, make, waitIn, queue, form, ...args)
      const mine = queue.get()
      await asleep(make, victim)
      queue.putNowait(1) // rings one of the two
      victim.kill()
      await ended(victim)
      if (queue.empty()) queue.putNowait(1) // the victim took it, or this process
      assert.equal(await mine, 1)
      while (!queue.empty()) await queue.get()
    })
  }

  for (const form of ['put', 'putSync'] as const) {
    death(
      `K4 Queue.${form}() of 10 MB items killed in its loop: what is there is whole, in order, and the queue goes on`,
      async t => {
        const queue = await make.queue<{ n: number; bytes: Uint8Array }>(3)
        for (let round = 0; round < 4; round++) {
          const writer = launch(t, make, putLarge, queue, 10_000_000, form)
          let next = 0
          for (; next <= round; next++) isWhole(await queue.get(), next)
          writer.kill() // it is in the middle of putting the next, or full
          assert.equal(await ended(writer), -9)
          for (; !queue.empty(); next++) isWhole(queue.getSync({ timeout: LIMIT }), next)
          await assert.rejects(queue.get({ timeout: 0 }), TimeoutError)
          await queue.put({ n: 77, bytes: new Uint8Array([77]) })
          isWhole(await queue.get(), 77)
        }
      },
    )

    death(
      `K4 Queue.get() that waits while the writer of 10 MB items by ${form} is killed gets the next writer's`,
      async t => {
        const [queue, report] = [await make.queue(1), await make.queue<Outcome>()]
        const before = make.memoryUsed()
        const writer = launch(t, make, putLarge, queue, 10_000_000, form)
        isWhole(await queue.get(), 0)
        writer.kill()
        const reader = launch(t, make, call, queue, 'getMany', [100], report)
        assert.equal(await ended(writer), -9)
        while (!queue.empty()) await queue.get({ timeout: 0 }).catch(() => {})
        await queue.put('from the living')
        const outcome = (await report.get()) as { gave: unknown[] }
        for (const item of outcome.gave) if (item !== 'from the living') isWhole(item as never)
        assert.equal(await ended(reader), 0)
        queue.shutdown({ immediate: true })
        assert.ok(make.memoryUsed() - before <= 40 * make.memoryStep)
      },
    )

    for (const bytes of [10, 1_000_000]) {
      death(
        `Queue.${form}() of ${bytes} bytes killed while it waits for room puts nothing, and its memory comes back`,
        async t => {
          const queue = await make.queue<string>(1)
          await queue.put('first')
          const before = make.memoryUsed()
          const victim = launch(t, make, waitIn, queue, form, new Uint8Array(bytes))
          await asleep(make, victim)
          await killed(make, victim)
          assert.equal(await queue.get(), 'first')
          assert.equal(queue.empty(), true)
          await queue.put('second')
          assert.deepEqual(await queue.getMany(5), ['second'])
          assert.ok(make.memoryUsed() - before <= 2 * make.memoryStep)
        },
      )
    }

    death(`Queue.${form}() here, waiting for room beside one that is killed, has its turn`, async t => {
      const queue = await make.queue<string>(1)
      await queue.put('first')
      const victim = launch(t, make, waitIn, queue, form, 'the victim’s')
      const mine = queue.put('mine')
      await asleep(make, victim)
      assert.equal(queue.getNowait(), 'first') // rings one of the two
      victim.kill()
      await ended(victim)
      while ((await queue.get()) !== 'mine');
      await mine
      while (!queue.empty()) await queue.get()
    })
  }

  death('Queue: what was put before its producer was killed is there, whole and in order', async t => {
    const [queue, done] = [await make.queue(), await make.event()]
    const items = [1, 'two', new Uint8Array(100_000).fill(3), { four: [4] }, 'x'.repeat(5_000), null]
    const producer = launch(t, make, putAndStay, queue, items, done)
    await done.wait({ timeout: LIMIT })
    await killed(make, producer)
    assert.equal(queue.qsize(), items.length)
    for (const item of items) assert.deepEqual(await queue.get(), item)
  })

  death('Queue: a handle in an item whose producer was killed is good', async t => {
    const [queue, done] = [await make.queue(), await make.event()]
    const [lock, inner] = [await make.lock(), await make.queue()]
    const producer = launch(t, make, putAndStay, queue, [{ lock }, [inner]], done)
    await done.wait({ timeout: LIMIT })
    await killed(make, producer)
    assert.equal((await queue.get()).lock, lock)
    assert.equal((await queue.get())[0], inner)
    lock.acquireSync({ timeout: LIMIT }).release()
  })

  death('Queue.shutdown() after a reader and a writer were killed in their waits ends as ever', async t => {
    const [empty, full] = [await make.queue(), await make.queue(1)]
    await full.put('first')
    const victims = [launch(t, make, waitIn, empty, 'getSync'), launch(t, make, waitIn, full, 'put', 2)]
    await asleep(make, ...victims)
    for (const victim of victims) await killed(make, victim)
    empty.shutdown()
    full.shutdown()
    await assert.rejects(empty.get(), ShutDownError)
    assert.equal(await full.get(), 'first')
    await assert.rejects(full.get(), ShutDownError)
  })
}

/** Every byte is what the writer of number n wrote. */
function isWhole(item: { n: number; bytes: Uint8Array }, n = item.n): void {
  assert.equal(item.n, n)
  assert.ok(isFilledWith(item.bytes, n & 0xff), `item ${n} is torn`)
}

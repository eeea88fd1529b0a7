// Processes that are killed while they send, receive, poll or hold an end: what the others see. K4, K5 of the death matrix.
import assert from 'node:assert/strict'
import { EOFError } from 'multiproc'
import { call, type Outcome, waitIn } from '../../fixtures/conformance.ts'
import { holdEnd, sendLarge } from '../../fixtures/conformance-connection.ts'
import { isFilledWith } from '../../fixtures/conformance-queue.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, killed, type Suite } from '../suite.ts'

export function deaths({ make, death }: Suite): void {
  for (const form of ['send', 'sendSync', 'sendBytesSync'] as const) {
    death(
      `K4 Connection.${form}() of 10 MB killed in its loop: what is there is whole, then comes the end`,
      async t => {
        for (let round = 0; round < 3; round++) {
          const [mine, theirs] = await make.pipe()
          const writer = launch(t, make, sendLarge, theirs, 10_000_000, form)
          theirs.close()
          let next = 0
          for (; next <= round; next++) assert.ok(isFilledWith(await mine.recv({ timeout: LIMIT }), next))
          writer.kill() // in the middle of sending the next, or waiting for room
          for (;;) {
            const message = await mine.recv({ timeout: LIMIT }).catch(error => error)
            if (message instanceof Error) {
              assert.ok(message instanceof EOFError, String(message))
              break
            }
            assert.ok(isFilledWith(message, next++ & 0xff), 'a message is torn')
          }
          assert.equal(await ended(writer), -9)
          mine.close()
        }
      },
    )

    death(
      `K5 Connection.${form}() of 10 MB killed while this process holds that end, too: recv() waits for the next, which comes`,
      async t => {
        const [mine, theirs] = await make.pipe()
        const writer = launch(t, make, sendLarge, theirs, 10_000_000, form)
        let next = 0
        assert.ok(isFilledWith(await mine.recv({ timeout: LIMIT }), next++))
        writer.kill()
        assert.equal(await ended(writer), -9)
        while (await mine.poll()) assert.ok(isFilledWith(await mine.recv(), next++ & 0xff), 'a message is torn')
        await assert.rejects(mine.recv({ timeout: 20 }), { code: 'ERR_MULTIPROC_TIMEOUT' })
        const waits = mine.recv({ timeout: LIMIT })
        await theirs.send('from the living')
        assert.equal(await waits, 'from the living')
      },
    )
  }

  for (const form of ['recv', 'recvSync', 'recvBytes', 'poll', 'pollSync'] as const) {
    const args = form.startsWith('poll') ? [null] : []

    death(`Connection.${form}() killed while it waits takes nothing: this process receives all`, async t => {
      const [a, b] = await make.pipe()
      const victim = launch(t, make, waitIn, b, form, ...args)
      await asleep(make, victim)
      await killed(make, victim)
      for (let n = 0; n < 50; n++) await a.send(n)
      for (let n = 0; n < 50; n++) assert.equal(n % 2 ? await b.recv() : b.recvSync({ timeout: LIMIT }), n)
    })

    death(
      `Connection.${form}() killed in the moment a message comes, beside one that waits: that one goes on`,
      async t => {
        const [[a, b], to] = [await make.pipe(), await make.queue<Outcome>()]
        const victim = launch(t, make, waitIn, b, form, ...args)
        await asleep(make, victim)
        const other = launch(t, make, call, b, 'recvSync', [], to)
        await asleep(make, other)
        a.sendSync('one') // rings the first
        victim.kill()
        a.sendSync('two')
        const outcome = (await to.get({ timeout: LIMIT })) as { gave: string }
        assert.ok(['one', 'two'].includes(outcome.gave))
        assert.ok([0, -9].includes((await ended(victim)) as number))
        assert.equal(await ended(other), 0)
      },
    )

    death(`Connection.${form}() here is told when the last holder of the other end is killed`, async t => {
      const [[a, b], held] = [await make.pipe(), await make.event()]
      const child = launch(t, make, holdEnd, b, held)
      b.close()
      await held.wait({ timeout: LIMIT })
      if (form.endsWith('Sync')) child.kill() // and be blocked when it is gone
      const waits = outcomeOf(() => a[form](...(args as [])))
      child.kill()
      const outcome = await waits
      if (form.startsWith('poll')) assert.equal(outcome, true)
      else assert.ok(outcome instanceof EOFError)
      assert.equal(await ended(child), -9)
    })
  }

  for (const form of ['sendBytes', 'sendBytesSync'] as const) {
    death(`Connection.${form}() killed while it waits for room sends nothing, and its memory comes back`, async t => {
      const [a, b] = await make.pipe()
      await a.sendBytes(new Uint8Array(70_000_000))
      const before = make.memoryUsed()
      const victim = launch(t, make, waitIn, a, form, new Uint8Array(1_000_000))
      await asleep(make, victim)
      await killed(make, victim)
      assert.ok(make.memoryUsed() - before <= 2 * make.memoryStep)
      assert.equal((await b.recvBytes()).length, 70_000_000)
      await a.send('next')
      assert.equal(await b.recv(), 'next')
    })

    death(`Connection.${form}() that waits for room is told when the last receiver is killed`, async t => {
      const [[a, b], held, to] = [await make.pipe(), await make.event(), await make.queue<Outcome>()]
      const receiver = launch(t, make, holdEnd, b, held)
      b.close()
      await held.wait({ timeout: LIMIT })
      await a.sendBytes(new Uint8Array(70_000_000))
      const sender = launch(t, make, call, a, form, [new Uint8Array(1000)], to)
      await asleep(make, sender)
      await killed(make, receiver)
      assert.deepEqual(await to.get({ timeout: LIMIT }), { threw: 'ERR_MULTIPROC_BROKEN_PIPE' })
      await assert.rejects(a.send(1), { code: 'ERR_MULTIPROC_BROKEN_PIPE' })
      assert.equal(await ended(sender), 0)
    })
  }

  death('Connection: of two holders of an end one is killed: that is not the end; then the other: it is', async t => {
    const [[a, b], held] = [await make.pipe(), await make.event()]
    const [first, second] = [launch(t, make, holdEnd, b, held), launch(t, make, holdEnd, b, await make.event())]
    b.close()
    await held.wait({ timeout: LIMIT })
    await killed(make, first)
    await a.send('the other may receive it')
    assert.equal(await a.poll(20), false)
    await killed(make, second)
    await assert.rejects(a.recv({ timeout: LIMIT }), EOFError)
  })

  death('Connection: an end in a message whose sender was killed is good', async t => {
    const [[a, b], [c, d]] = [await make.pipe(), await make.pipe()]
    const to = await make.queue<Outcome>()
    const child = launch(t, make, call, c, 'send', [{ b }], to)
    assert.deepEqual(await to.get({ timeout: LIMIT }), { gave: undefined })
    b.close()
    child.kill()
    await ended(child)
    await a.send('kept')
    const got = (await d.recv()).b
    assert.equal(await got.recv({ timeout: LIMIT }), 'kept')
    got.close()
  })
}

async function outcomeOf(run: () => unknown): Promise<unknown> {
  try {
    return await run()
  } catch (error) {
    return error
  }
}

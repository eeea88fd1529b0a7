// What a death leaves of a Barrier: it is broken for those who counted on the dead, and for nobody else.
import assert from 'node:assert/strict'
import { BrokenBarrierError } from 'multiproc'
import { call, callAndStay, type Outcome, waitIn } from '../../fixtures/conformance.ts'
import { dieInAction, pass, passAndFail, passAndStay } from '../../fixtures/conformance-barrier.ts'
import { LIMIT, launch } from '../implementation.ts'
import { asleep, ended, killed, type Suite } from '../suite.ts'
import { assertBroken, expected, forms, numbers, sorted } from './parties.ts'

export function deaths({ make, test, death }: Suite): void {
  for (const form of forms) {
    death(
      `K6 Barrier.${form}() whose process is killed: the others are sent away, and it is broken until reset()`,
      async t => {
        const [barrier, report] = [await make.barrier(4), await make.queue<Outcome>()]
        const victim = launch(t, make, waitIn, barrier, form)
        const others = forms.map(other => launch(t, make, callAndStay, barrier, other, [], report))
        await asleep(make, victim, ...others)
        assert.equal(barrier.nWaiting, 3)
        await killed(make, victim)
        for (const _ of others) assert.deepEqual(await report.get(), { threw: 'ERR_MULTIPROC_BROKEN_BARRIER' })
        await assertBroken(barrier)
        barrier.reset()
        assert.deepEqual(sorted(await Promise.all(numbers(4).map(() => barrier.wait()))), numbers(4))
      },
    )

    death(`K6 Barrier.${form}() here, when one that waits too is killed, is sent away`, async t => {
      const barrier = await make.barrier(4)
      const victim = launch(t, make, waitIn, barrier, 'wait')
      await asleep(make, victim)
      const mine = expected(barrier.wait())
      victim.kill()
      if (form === 'waitSync') assert.throws(() => barrier.waitSync({ timeout: LIMIT }), BrokenBarrierError)
      await assert.rejects(mine, BrokenBarrierError)
      assert.equal(await ended(victim), -9)
    })

    death(`Barrier: a party that passed by ${form}(), and is killed before it comes again, breaks it`, async t => {
      const barrier = await make.barrier(2)
      const victim = launch(t, make, passAndStay, barrier, form, 2)
      await barrier.wait({ timeout: LIMIT })
      barrier.waitSync({ timeout: LIMIT })
      const mine = expected(barrier.wait({ timeout: LIMIT }))
      await killed(make, victim)
      await assert.rejects(mine, BrokenBarrierError)
      await assertBroken(barrier)
    })
  }

  death('Barrier: a party that passed and then failed breaks it', async t => {
    const barrier = await make.barrier(2)
    const victim = launch(t, make, passAndFail, barrier)
    await barrier.wait({ timeout: LIMIT })
    assert.equal(await ended(victim), 3)
    await assert.rejects(barrier.wait({ timeout: LIMIT }), BrokenBarrierError)
  })

  death('Barrier: one that is killed before it ever came breaks nothing', async t => {
    const [barrier, event] = [await make.barrier(2), await make.event()]
    const victim = launch(t, make, waitIn, event, 'wait', barrier)
    await asleep(make, victim)
    const mine = barrier.wait()
    await killed(make, victim)
    assert.equal(barrier.waitSync({ timeout: LIMIT }), 1)
    assert.equal(await mine, 0)
  })

  death('Barrier: one that is killed in the action breaks it', async t => {
    for (const form of forms) {
      const [barrier, report] = [await make.barrier(2, { action: dieInAction }), await make.queue<Outcome>()]
      const mine = barrier.wait({ timeout: LIMIT })
      const victim = launch(t, make, call, barrier, form, [], report)
      await assert.rejects(mine, BrokenBarrierError)
      assert.equal(await ended(victim), make.deathCode)
      await assertBroken(barrier)
    }
  })

  test('Barrier: more parties than the first few cells take', async t => {
    const [barrier, report] = [await make.barrier(7), await make.queue<number[]>()]
    const children = numbers(6).map(n => launch(t, make, pass, barrier, forms[n % 2], 3, report))
    for (let n = 0; n < 3; n++) await barrier.wait({ timeout: LIMIT })
    const firsts = []
    for (const _ of children) firsts.push((await report.get())[0])
    assert.equal(new Set(firsts).size, 6)
  })
}

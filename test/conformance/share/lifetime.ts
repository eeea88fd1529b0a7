// How long what is shared lives, and that nothing is left of it.
import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { inspect, type Lock, share } from 'multiproc'
import { namesTaken } from '#inside'
import { until } from '../../support/children.ts'
import { LIMIT } from '../implementation.ts'
import type { Suite } from '../suite.ts'
import { fresh, output, program } from './program.ts'

const known = (name: string) => inspect().objects.filter(object => object.name === name)

export function lifetime({ make, test, death }: Suite): void {
  death('share(): it outlives its creator, killed or not, and is gone with the last process that holds it', async t => {
    const [name, here] = [fresh(), fresh()]
    const seen = await share(here, () => make.event()) // this process knows the commons, and not the name
    const source = `const value = await share(name, () => new Value('i', 0))
      console.log('value', value.add(1))
      setInterval(() => {}, 1000)`
    const first = program(t, source, { name })
    await first.printed('value 1', LIMIT)
    const second = program(t, source, { name })
    await second.printed('value 2', LIMIT)
    first.kill()
    await first.ended
    const third = program(t, source, { name })
    await third.printed('value 3', LIMIT)
    second.kill()
    third.kill()
    await Promise.all([second.ended, third.ended])
    const fourth = program(t, source, { name })
    await fourth.printed('value 1', LIMIT)
    fourth.kill()
    await fourth.ended
    seen.close()
  })

  test('share(): the whole of it is gone with the last program, also by SIGKILL: no name, no memory, no file', async t => {
    const scope = fresh()
    const env = { MULTIPROC_COMMONS: scope }
    const source = `const value = await share('one', () => new Value('i', 0))
      console.log('value', value.add(1))
      setInterval(() => {}, 1000)`
    const mine = (programs: readonly { pid: number }[]) =>
      namesTaken('multiproc.').filter(name => programs.some(({ pid }) => name.includes(`.${pid}.`)))
    const two = [program(t, source, {}, { env }), program(t, source, {}, { env })]
    for (const one of two) await one.printed('value', LIMIT)
    // the kernel’s list may lose one while others change it
    await until(() => mine(two).length === 2, LIMIT, 'the names of both')
    for (const one of two) one.kill()
    for (const one of two) await one.ended
    assert.deepEqual(mine(two), [])
    const next = program(t, source, {}, { env })
    await next.printed('value 1', LIMIT)
  })

  death('share(): a lock whose holder was killed is taken by another program, which is told', async t => {
    const name = fresh()
    const lock = await share(name, () => make.lock())
    const holder = program(
      t,
      `const lock = await share(name, () => null)
       const held = lock.acquireSync()
       console.log('held')
       setInterval(() => {}, 1000)`,
      { name },
    )
    await holder.printed('held', LIMIT)
    const waiting = lock.acquire({ timeout: LIMIT })
    holder.kill()
    const hold = await waiting
    assert.equal(hold.abandoned, true)
    hold.release()
    lock.close()
  })

  test('share(): with the handle closed everywhere the name is gone; the next one creates', async t => {
    const name = fresh()
    const lock = await share(name, () => make.lock())
    const other = program(
      t,
      `const lock = await share(name, () => { throw new Error() })
       console.log('here')
       process.stdin.once('data', () => { lock.close(); console.log('closed') })`,
      { name },
    )
    await other.printed('here', LIMIT)
    lock.close()
    assert.equal(known(name).length > 0, true)
    const again = await share<Lock>(name, () => assert.fail('created though another holds it'))
    again.close()
    other.process.stdin?.write('close\n')
    await other.printed('closed', LIMIT)
    assert.deepEqual(known(name), [])
    const next = await share(name, () => make.lock())
    next.close()
    assert.deepEqual(known(name), [])
    other.end()
  })

  test('share(): a handle that was closed and asked for again is a new handle on the same object', async t => {
    const name = fresh()
    const value = await share(name, () => make.value('i', 1))
    const other = program(t, "await share(name, () => null); console.log('here'); setInterval(() => {}, 1000)", {
      name,
    })
    await other.printed('here', LIMIT)
    value.value = 5
    value.close()
    value.close()
    const again = await share(name, () => make.value('i', 1))
    assert.notEqual(again, value)
    assert.equal(again.value, 5)
    again.close()
  })

  test('share(): a single handle that nobody keeps is collected, and its name with it', async () => {
    const name = fresh()
    await share(name, async () => {
      const { Event } = await import('multiproc')
      return new Event()
    })
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const gone = async () => {
      gc()
      await new Promise(setImmediate)
      return known(name).length === 0
    }
    await until(gone, LIMIT, 'the name to be collected')
  })

  test('share(): a value of several handles is kept until the process ends, also when they are closed or collected', async t => {
    const name = fresh()
    const held = program(
      t,
      `import v8 from 'node:v8'
       import vm from 'node:vm'
       v8.setFlagsFromString('--expose-gc')
       const gc = vm.runInNewContext('gc')
       ;(await share(name, () => ({ value: new Value('i', 7) }))).value.value = 8
       for (let i = 0; i < 5; i++) { gc(); await new Promise(setImmediate) }
       const { value } = await share(name, () => { throw new Error('gone') })
       if (value.value !== 8) throw new Error('another')
       value.close()
       console.log('here')
       setInterval(() => {}, 1000)`,
      { name },
    )
    await held.printed('here', LIMIT)
    const { value } = await share<{ value: Awaited<ReturnType<typeof make.value>> }>(name, () => assert.fail('gone'))
    assert.equal(value.value, 8)
    value.close()
  })

  test('share(): programs that come and go, holding a lock, leave no room taken', async t => {
    const name = fresh()
    const lock = await share(name, () => make.lock())
    const before = inspect()
    for (let i = 0; i < 12; i++) {
      await output(program(t, 'const lock = await share(name, () => null); lock.acquireSync()', { name }))
      const held = await lock.acquire({ timeout: LIMIT })
      held.release()
    }
    const after = inspect()
    assert.ok(after.participants.length <= before.participants.length + 1)
    assert.ok(after.memory.used <= before.memory.used + 4096, `${after.memory.used - before.memory.used} bytes more`)
    lock.close()
  })
}

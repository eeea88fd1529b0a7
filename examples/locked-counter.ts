// Shows: the lost update: two processes read a counter, both add one, both write. And the lock that prevents it.
// Try: update() instead of the lock by hand, or add(), which needs no lock at all.
// Without it: of 2,000 increments some are lost, now and then, on some machines: the worst kind of fault.
import { Barrier, isMainProcess, Lock, Process, RawValue } from 'multiproc'

/** Here the unlucky moment is no chance: both have read before either writes. */
export async function incrementOnce(counter: RawValue<'i'>, bothHaveRead: Barrier): Promise<void> {
  const { value } = counter
  await bothHaveRead.wait()
  counter.value = value + 1
}

export async function incrementOften(counter: RawValue<'i'>, lock: Lock): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    await lock.with(() => {
      counter.value += 1
    })
  }
}

async function both<A extends unknown[]>(target: (...args: A) => Promise<void>, ...args: A): Promise<void> {
  const processes = [1, 2].map(() => new Process({ target, args }))
  for (const process of processes) process.start()
  for (const process of processes) await process.join()
}

async function main(): Promise<void> {
  const counter = new RawValue('i', 0)
  await both(incrementOnce, counter, new Barrier(2))
  console.log('without a lock, 2 increments:', counter.value)

  counter.value = 0
  await both(incrementOften, counter, new Lock())
  console.log('with a lock, 2000 increments:', counter.value)
}

if (isMainProcess) await main()

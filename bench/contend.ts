// Processes that do the same to one shared counter, as often as they can and at the same time; it must come out exact.
import { rate } from './measure.ts'

export const parties = [2, 4]

export interface Contest {
  /** The function in targets.ts; called with `args`, and then with the queues for its orders and answers. */
  readonly target: string
  readonly args: readonly unknown[]
  /** What each order raises by one for each time it says. */
  readonly counter: { readonly value: number }
  /** Measuring time for each number of parties. */
  readonly seconds: number
  /** So many processes together did so many times per second, in a burst of `count`. */
  found(processes: number, perSecond: number, count: number): void
}

export async function contend({ target: name, args, counter, seconds, found }: Contest): Promise<void> {
  const { Process, Queue } = await import('multiproc')
  const target = { module: new URL('./targets.js', import.meta.url), name }
  const members = Array.from({ length: Math.max(...parties) }, () => {
    const orders = new Queue<number | null>()
    const answers = new Queue<[number, number]>()
    const child = new Process({ target, args: [...args, orders, answers] })
    child.start()
    return { orders, answers, child }
  })
  for (const n of parties) {
    const some = members.slice(0, n)
    const measured = await rate(
      async total => {
        const each = Math.ceil(total / n)
        const before = counter.value
        for (const { orders } of some) await orders.put(each)
        const spans = await Promise.all(some.map(({ answers }) => answers.get()))
        if (counter.value - before !== each * n)
          throw new Error(`Expected the counter to rise by ${each * n}, got ${counter.value - before}`)
        const took = Math.max(...spans.map(([, to]) => to)) - Math.min(...spans.map(([from]) => from))
        return (took / 1e9) * (total / (each * n))
      },
      { seconds, first: 2000 },
    )
    found(n, measured.rate, measured.n)
  }
  for (const { orders } of members) await orders.put(null)
  for (const { child } of members) {
    await child.join({ timeout: 5000 })
    if (child.exitCode !== 0) throw new Error(`A member ended with ${child.exitCode}`)
  }
}

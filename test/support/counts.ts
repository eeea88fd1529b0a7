// A node:test reporter that writes only the closing figures, as one line of JSON; test/run.ts sums them over its groups.
import type { TestEvent } from 'node:test/reporters'

export interface Counts {
  pass: number
  fail: number
  cancelled: number
  skipped: number
  todo: number
}

export default async function* counts(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const found: Counts = { pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 }
  for await (const event of source) {
    if (event.type !== 'test:diagnostic' || event.data.nesting !== 0) continue
    const [, name, figure] = /^(pass|fail|cancelled|skipped|todo) (\d+)$/.exec(event.data.message) ?? []
    if (name) found[name as keyof Counts] = Number(figure)
  }
  yield `${JSON.stringify(found)}\n`
}

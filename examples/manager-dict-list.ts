// Shows: a dict and a list that live in a server process; children change them through proxies, one call at a time.
// Try: a hundred children; or an object in the dict, which is copied: change it here, and the server's stays as it was.
// Without it: plain objects are copied to a child, and what the child does to its copy is seen by nobody.
import { type DictProxy, isMainProcess, type ListProxy, Manager, Process } from 'multiproc'

export async function work(dict: DictProxy<string, number>, list: ListProxy<number>, me: number): Promise<void> {
  await dict.set(`child ${me}`, me * me)
  await list.push(me)
}

async function main(): Promise<void> {
  const manager = await Manager()
  const dict = await manager.dict<string, number>({ parent: 0 })
  const list = await manager.list<number>([10, 20])

  const children = [1, 2, 3].map(me => new Process({ target: work, args: [dict, list, me] }))
  for (const child of children) child.start()
  for (const child of children) await child.join()

  // they came in any order
  const entries = await dict.entries()
  for (const [key, value] of entries.sort()) console.log(`${key}: ${value}`)
  await list.sort()
  console.log('list:', (await list.copy()).join(' '), '— length', await list.length())
  await list.reverse()
  console.log('reversed:', (await list.copy()).join(' '))
  await manager.shutdown()
}

if (isMainProcess) await main()

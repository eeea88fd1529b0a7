/** NamespaceProxy: names in a manager, and what they stand for. */
import { BaseProxy } from './base-proxy.ts'

/**
 * Names that a manager holds, each with a value. No name is special: one that begins with `_` is as any other. (In Python those stay
 * on the proxy, which has attributes; this one has methods.)
 *
 * Nothing here waits for anybody. Deaths and errors: see BaseProxy.
 *
 * @example
 * await using manager = await Manager()
 * const names = await manager.Namespace({ job: 'Builder' })
 * await names.set('name', 'Bob')
 * assert.deepEqual(await names.entries(), [['job', 'Builder'], ['name', 'Bob']])
 * assert.equal(await names.delete('job'), true)
 */
export class NamespaceProxy<T extends object = Record<string, any>> extends BaseProxy {
  /** undefined when there is none. */
  get<N extends keyof T & string>(name: N): Promise<T[N] | undefined> {
    return this.ask('get', [name]) as Promise<T[N] | undefined>
  }

  set<N extends keyof T & string>(name: N, value: T[N]): Promise<void> {
    return this.ask('set', [name, value]) as Promise<void>
  }

  has(name: string): Promise<boolean> {
    return this.ask('has', [name]) as Promise<boolean>
  }

  /** Whether there was one. */
  delete(name: keyof T & string): Promise<boolean> {
    return this.ask('delete', [name]) as Promise<boolean>
  }

  entries(): Promise<[string, any][]> {
    return this.ask('entries', []) as Promise<[string, any][]>
  }
}

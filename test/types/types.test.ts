// What must compile and what must not: types infer, and misuse is seen before anything runs.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { type Outcome, prepareSnippets, runSnippet, snippetsOf } from '../../tools/run-snippets.ts'
import { checkout } from '../support/children.ts'

interface Case {
  title: string
  code: string
  /** What the compiler says; it compiles when this is left out. */
  error?: RegExp
}

const imports = `import { type ArrayProxy, BaseManager, Condition, type Connection, type DictProxy, Event, getContext, type Held, JoinableQueue, type Lease, type ListProxy, Lock, Manager, type NamespaceProxy, Pipe, type PoolProxy, Process, Queue, type QueueProxy, RawArray, RawValue, registerClass, RLock, ShareableList, SharedArray, type SetProxy, SharedMemory, SimpleQueue, SyncManager, type TypeCode, Value, wait } from 'multiproc'`

const cases: Case[] = [
  {
    title: 'Queue<T>: get() gives what put() takes',
    code: `const q = new Queue<{ id: number }>({ maxsize: 3 })
           const one: { id: number } = await q.get({ timeout: 1 })
           const many: { id: number }[] = await q.getMany(3)
           for await (const item of q) item.id.toFixed()
           await q.putMany(new Set([one, ...many]))`,
  },
  {
    title: 'Pipe<A, B>(): what one end sends the other receives',
    code: `const [a, b] = Pipe<number, string>()
           await a.send(1)
           const n: number = await b.recv()
           b.sendSync('one')
           const text: string = a.recvSync()
           const same: Connection<number, string> = a
           const ready: Connection<number, string>[] = await wait([same], { timeout: n + text.length })
           for await (const item of ready[0]) item.charAt(0)`,
  },
  {
    title: 'Connection<Send>.send() of another type',
    code: `await Pipe<number, string>()[0].send('one')`,
    error: /'string' is not assignable to .*'number'/,
  },
  {
    title: 'Queue<T>.put() of another type',
    code: `await new Queue<number>().put('one')`,
    error: /'string' is not assignable to .*'number'/,
  },
  {
    title: 'Queue.getSync() with a signal',
    code: `new Queue().getSync({ signal: AbortSignal.abort() })`,
    error: /'signal'/,
  },
  { title: 'Queue of a text', code: `new Queue('3')`, error: /not assignable/ },
  {
    title: 'SharedArray: a typed array after its type code, and with its lock; any when only the run knows',
    code: `const a: Int32Array = new SharedArray('i', 3)
           const d: number = new RawArray('d', [0.5]).at(-1) ?? 0
           const big: BigInt64Array = new SharedArray('q', [1n], { lock: new Lock() })
           const sum: number = new SharedArray('H', new Set([1])).update(array => array.reduce((x, y) => x + y))
           const text: string = new SharedArray('c', 'text').value
           const code = 'i' as TypeCode
           const some: Float32Array = new SharedArray(code, 1)
           const raw: Value = new RawValue('i', 1)`,
  },
  {
    title: 'SharedArray of floats as Int32Array',
    code: `const a: Int32Array = new SharedArray('d', 1)`,
    error: /Int32Array/,
  },
  {
    title: 'SharedMemory and ShareableList<T>',
    code: `using shm = new SharedMemory({ create: true, size: 4, track: false })
           const bytes: Uint8Array = shm.buf
           const list = new ShareableList<string | null>(['a', null], { name: shm.name })
           const item: string | null = list.get(0)
           list.set(1, 'b')
           const items: (string | null)[] = [...list]
           const attached = new ShareableList<number>(null, { name: 'x' }).indexOf(5) + list.length`,
  },
  {
    title: 'ShareableList<number>.set() of a text',
    code: `new ShareableList([1]).set(0, 'x')`,
    error: /not assignable/,
  },
  {
    title: 'JoinableQueue<T>: a Queue whose leases and letters are of its type',
    code: `const q: Queue<number> = new JoinableQueue<number>({ maxsize: 3, maxDeliveries: 2 })
           const tasks = q as JoinableQueue<number>
           const lease: Lease<number> = await tasks.lease({ timeout: 1 })
           const all: number[] = [lease.item, lease.deliveries, ...tasks.deadLetters({ take: true })]
           void all`,
  },
  { title: 'SimpleQueue with a maxsize', code: `new SimpleQueue(3)`, error: /not assignable/ },
  {
    title: 'Value: a number, a bigint or a text, after its type code',
    code: `const n: number = new Value('i', 1).value
           const big: bigint = new Value('q').add(1n)
           const text: string = new Value('c', 'x').update(c => c.toUpperCase())
           const lock: RLock = new Value('d', n, { lock: new RLock() }).getLock()
           void [big, text, lock]`,
  },
  { title: "Value('q') of a number", code: `new Value('q', 1)`, error: /not assignable/ },
  { title: 'Value of an unknown type code', code: `new Value('x')`, error: /not assignable/ },
  {
    title: 'Lock.with() gives what its function gives; acquire() something to dispose of',
    code: `const n: number = await new Lock().with(async () => 3)
           using held: Held = await new Lock().acquire({ timeout: n, signal: AbortSignal.timeout(5) })
           const flag: boolean = held.abandoned
           void flag`,
  },
  {
    title: "getContext(): its classes are the package's, type parameters included",
    code: `const { Process: Warm, Queue: Same } = getContext('warm', { spares: 2 })
           const queue: Queue<number> = new Same<number>()
           const child: Process = new Warm({ target: (n: number) => n, args: [await queue.get()] })
           child.start()`,
  },
  {
    title: 'Process of a context: args must be those of the target',
    code: `new (getContext('warm').Process)({ target: (n: number) => n, args: ['one'] })`,
    error: /'string' is not assignable to .*'number'/,
  },
  { title: 'an unknown start method', code: `getContext('fork')`, error: /'"fork"' is not assignable/ },
  {
    title: 'Condition: a lock that waits, with a lock of its own or a given one',
    code: `const condition: Lock = new Condition(new Condition(new Lock()))
           await (condition as Condition).waitFor(() => true, { timeout: 1, signal: AbortSignal.timeout(5) })
           new Condition().waitForSync(() => true, { timeout: 1 })
           new Value('i', 0, { lock: condition })`,
  },
  {
    title: 'Condition.waitFor() with a predicate that is asynchronous',
    code: `await new Condition().waitFor(async () => true)`,
    error: /not assignable to type 'boolean'/,
  },
  { title: 'Condition of what is no lock', code: `new Condition(new Event())`, error: /No overload matches/ },
  {
    title: 'Process: args must be those of the target',
    code: `export function add(a: number, b: number) { return a + b }
           new Process({ target: add, args: [1, 'two'] })`,
    error: /'string' is not assignable to .*'number'/,
  },
  {
    title: 'Process: asynchronous targets, targets by module, and a dispose',
    code: `export async function add(a: number, b?: number) { return a + (b ?? 0) }
           await using p = new Process({ target: add, args: [1], daemon: true, stdio: 'pipe' })
           new Process({ target: { module: new URL('./x.js', import.meta.url), name: 'f' }, args: [1, 'two'] })
           const code: number | null = p.exitCode
           void code`,
  },
  {
    title: 'Process with an option it does not have',
    code: `new Process({ target: { module: 'x' }, group: 1 })`,
    error: /'group'/,
  },
  { title: 'Event.wait() gives nothing', code: `const set: boolean = await new Event().wait()`, error: /'void'/ },
  {
    title: 'containers of a Manager: their types follow from what they begin with, or are given',
    code: `await using manager: SyncManager = await Manager()
           const ages: DictProxy<string, number> = await manager.dict({ ada: 36 })
           const pairs: DictProxy<number, boolean> = await manager.dict([[1, true]])
           const named: DictProxy<string, Date> = await manager.dict<string, Date>()
           const age: number | undefined = await ages.get('ada')
           const sure: number | null = await ages.get('alan', null)
           for await (const [key, value] of ages) key.charAt(value)
           const map: Map<string, number> = await ages.copy()
           const list: ListProxy<number> = await manager.list(new Set([1]))
           const last: number | undefined = await list.pop()
           const items: number[] = await list.splice(0, 1, age ?? sure ?? last ?? 0)
           await list.extend(await manager.list(items))
           const set: SetProxy<string> = await manager.set(['a'])
           const both: Set<string> = await set.union(await manager.set(['b']), map.keys())
           void [pairs, named, both]`,
  },
  {
    title: 'queues, names, values and nested proxies of a Manager',
    code: `const manager = new SyncManager()
           await manager.start()
           const queue: QueueProxy<{ id: number }> = await manager.Queue<{ id: number }>(3)
           const one: { id: number } = await queue.get({ timeout: 1, signal: AbortSignal.timeout(5) })
           for await (const item of queue) item.id.toFixed(one.id)
           const names: NamespaceProxy<{ job: string; size?: number }> = await manager.Namespace<{ job: string; size?: number }>({ job: 'x' })
           const size: number | undefined = await names.get('size')
           const free: any = await (await manager.Namespace()).get('anything')
           const n: number = await (await manager.Value('i', size ?? 0)).get()
           const big: bigint = await (await manager.Value('q', 1n)).get()
           const array: ArrayProxy<'d'> = await manager.Array('d', [n, 0.5])
           const floats: number[] = await array.slice(1)
           const table: DictProxy<string, ListProxy<number>> = await manager.dict<string, ListProxy<number>>()
           await (await table.get('a'))?.push(...floats)
           {
             await using held = await (await manager.Lock()).acquire({ timeout: 1 })
             const was: boolean = held.abandoned
             void was
           }
           const text: string = await (await manager.Semaphore(2)).with(async () => 'text')
           void [free, big, text, BaseManager]`,
  },
  {
    title: 'Pool of a Manager: results are those of the function',
    code: `await using pool: PoolProxy = await (await Manager()).Pool({ processes: 2 })
           export function half(n: number) { return n / 2 }
           export async function join(a: string, b: number) { return a + b }
           const one: number = await pool.apply(half, [1])
           const all: number[] = await pool.map(half, new Set([one]), { chunksize: 2 })
           const texts: string[] = await pool.starmap(join, [['a', 1]])
           for await (const n of pool.imap(half, all, { signal: AbortSignal.timeout(5) })) n.toFixed(texts.length)`,
  },
  {
    title: 'PoolProxy.map() over items of another type',
    code: `export function half(n: number) { return n / 2 }
           await (await (await Manager()).Pool()).map(half, ['one'])`,
    error: /'string' is not assignable to .*'number'/,
  },
  {
    title: 'DictProxy<string, number>.set() of a text',
    code: `await (await (await Manager()).dict({ a: 1 })).set('b', 'two')`,
    error: /not assignable to .*'number'/,
  },
  {
    title: 'QueueProxy<number>.put() of a text',
    code: `await (await (await Manager()).Queue<number>()).put('one')`,
    error: /not assignable to .*'number'/,
  },
  {
    title: 'NamespaceProxy.set() of a name that it does not have',
    code: `await (await (await Manager()).Namespace<{ a: number }>()).set('b', 1)`,
    error: /not assignable to .*'"a"'/,
  },
  {
    title: "a manager's Value('q') of a number",
    code: `await (await Manager()).Value('q', 1)`,
    error: /not assignable/,
  },
  {
    title: 'registerClass: pack and unpack belong together',
    code: `registerClass(Date, { name: 'Date', pack: d => d.getTime(), unpack: (t: string) => new Date(t) })`,
    error: /not assignable/,
  },
]

describe('types', () => {
  let outcomes: Outcome[]
  before(async () => {
    const markdown = cases.map(({ code }) => `\`\`\`ts no-run\n${imports}\n${code}\nexport {}\n\`\`\`\n`).join('\n')
    outcomes = []
    const prepared = prepareSnippets(checkout, snippetsOf(markdown, 'types.md'), 'build/types') // beside docs/snippets.test.ts
    for (const snippet of prepared.values()) outcomes.push(await runSnippet(snippet))
  })
  for (const [i, { title, error }] of cases.entries()) {
    test(`${title} ${error ? 'does not compile' : 'compiles'}`, () => {
      if (error) assert.match(outcomes[i].report, error)
      else assert.ok(outcomes[i].ok, outcomes[i].report)
    })
  }
})

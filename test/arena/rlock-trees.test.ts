// What RLock.with() remembers of the calls around it.
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { RLock } from 'multiproc'

interface Tree {
  readonly outer: Tree | undefined
}

/** The trees in which `fn` runs, as they are when it has ended. */
async function treesOf(fn: () => Promise<void>): Promise<Tree[]> {
  const { run } = AsyncLocalStorage.prototype
  const seen: Tree[] = []
  AsyncLocalStorage.prototype.run = function (this: AsyncLocalStorage<unknown>, store: unknown, ...rest: unknown[]) {
    seen.push(store as Tree)
    return Reflect.apply(run, this, [store, ...rest])
  } as typeof run
  try {
    await fn()
  } finally {
    AsyncLocalStorage.prototype.run = run
  }
  return seen
}

function depth(tree: Tree | undefined): number {
  return tree === undefined ? 0 : 1 + depth(tree.outer)
}

test('RLock.with() that sets a timer for the next with() remembers none that is over', async () => {
  const [lock, other] = [new RLock(), new RLock()]
  const trees = await treesOf(
    () =>
      new Promise(resolve => {
        let left = 20
        const next = () => {
          if (--left === 0) resolve()
          else (left % 2 ? lock : other).with(() => void setImmediate(next))
        }
        next()
      }),
  )
  assert.equal(trees.length, 19)
  assert.deepEqual(new Set(trees.map(depth)), new Set([1]))
})

test('RLock.with() begun inside another that ends first remembers it as long as it runs', async () => {
  const [lock, other] = [new RLock(), new RLock()]
  const trees = await treesOf(
    () =>
      new Promise(resolve => {
        let left = 20
        const next = async () => {
          if (--left === 0) return resolve()
          const inner = lock.with(async () => {
            assert.notEqual(lock.tryAcquire()?.release(), null)
            await new Promise(setImmediate)
            setImmediate(next)
            await new Promise(setImmediate)
            await new Promise(setImmediate)
          })
          await other.with(() => inner)
        }
        void next()
      }),
  )
  assert.ok(Math.max(...trees.map(depth)) <= 3, `${trees.map(depth)}`)
  lock.close()
  other.close()
})

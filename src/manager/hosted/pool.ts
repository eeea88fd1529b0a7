/**
 * A pool of worker processes that the server has. Its workers are daemons of the server: they end with it.
 *
 * A call whose caller is gone, or that was taken back, is aborted: what waits is not run, what runs is told, and ended after the
 * pool's `gracePeriod`. When the object is gone so is the pool.
 */
import { Pool, type PoolOptions } from '../../pool/pool.ts'
import type { Target } from '../../process/target.ts'
import { type Call, defineType } from './hosted-type.ts'

type Options = Record<string, unknown>

const forgotten = new FinalizationRegistry<Pool>(pool => {
  pool.terminate().catch(() => {})
})

export class HostedPool {
  readonly pool: Pool

  constructor(options: PoolOptions | number | undefined) {
    this.pool = new Pool(options)
    forgotten.register(this, this.pool)
  }

  /** Until it has ended the pool stays. */
  async run<R>(call: Call, start: (pool: Pool, signal: AbortSignal) => Promise<R>): Promise<R> {
    const abort = new AbortController()
    const forget = call.onWithdrawn(() => abort.abort())
    try {
      return await start(this.pool, abort.signal)
    } finally {
      forget()
    }
  }
}

const given = (options: unknown, signal: AbortSignal): Options => ({ ...(options as Options | null), signal })

export const poolType = defineType<HostedPool>({
  typeid: 'Pool',
  init: 'options?',
  create: ([options]) => new HostedPool((options ?? undefined) as PoolOptions | undefined),
  methods: {
    apply: [
      'fn, args?, options?',
      (hosted, [fn, args, options], call) =>
        hosted.run(call, (pool, signal) => pool.apply(fn as Target, args as unknown[], given(options, signal))),
    ],
    map: [
      'fn, items, options?',
      (hosted, [fn, items, options], call) =>
        hosted.run(call, (pool, signal) => pool.map(fn as Target, items as unknown[], given(options, signal))),
    ],
    starmap: [
      'fn, items, options?',
      (hosted, [fn, items, options], call) =>
        hosted.run(call, (pool, signal) => pool.starmap(fn as Target, items as unknown[][], given(options, signal))),
    ],
    close: ['', ({ pool }) => pool.close()],
    terminate: ['', ({ pool }) => pool.terminate()],
    join: ['', ({ pool }) => pool.join()],
  },
})

/** What the server process of a manager runs: objects, and somebody who receives those that call. */
import { ownSession } from '../arena/session.ts'
import type { SimpleQueue } from '../channel/simple-queue.ts'
import type { Address } from '../wire/address.ts'
import { listenAt } from '../wire/listener.ts'
import type { TlsOptions } from '../wire/secure-stream.ts'
import { Dispatcher, type Factory } from './dispatcher.ts'
import { ownFactory, type Registered, userFactory } from './factories.ts'
import { hostedTypes } from './hosted/hosted-types.ts'
import { poolType } from './hosted/pool.ts'
import type { Knock } from './links.ts'
import { ownAddress } from './own-address.ts'
import { Office } from './python/office.ts'
import { Segments } from './python/segments.ts'
import { Reception } from './reception.ts'

/** What a server is told by the process that starts it. */
export interface ServerPlan {
  readonly name: string
  /** The package's types, too. */
  readonly hasOwnTypes: boolean
  readonly registered: readonly Registered[]
  /** Where others reach it; left out: at a path of its own. */
  readonly address: Address | undefined
  readonly authkey: Uint8Array | string
  readonly tls: TlsOptions | undefined
  /** It answers for blocks of shared memory. */
  readonly hasSegments: boolean
  readonly door: SimpleQueue<Knock>
  /** The first client: who started it. */
  readonly first: Knock
}

/** Serves until this process is ended. */
export async function serve(plan: ServerPlan): Promise<void> {
  const { name, hasOwnTypes, registered, door, first } = plan
  process.on('SIGINT', () => {}) // of a terminal: its creator is told, too, and may still need it
  const factories = new Map<string, Factory>()
  if (hasOwnTypes) for (const [typeid, type] of hostedTypes) factories.set(typeid, ownFactory(type))
  if (hasOwnTypes) factories.set('Pool', ownFactory(poolType))
  for (const one of registered) factories.set(one.typeid, userFactory(one))
  const session = ownSession()
  const dispatcher = new Dispatcher(name, factories)
  const segments = plan.hasSegments ? new Segments() : undefined
  if (segments !== undefined) {
    process.on('exit', () => segments.unlink())
    process.once('SIGTERM', () => {
      segments.unlink()
      process.kill(process.pid, 'SIGTERM')
    })
  }
  let listening!: (address: Promise<Address>) => void
  const address = new Promise<Address>(resolve => {
    listening = resolve
  })
  address.catch(() => {}) // who starts it is told
  const reception = new Reception(session, dispatcher, door, address, segments)
  const office = new Office(dispatcher, reception, segments, () => process.exit(0))
  listening(listen(plan, office))
  reception.admit(first)
  await reception.open()
}

async function listen({ address, authkey, tls }: ServerPlan, office: Office): Promise<Address> {
  const listener = await listenAt(address ?? ownAddress(), { authkey, tls, codec: office.codec })
  office.open(listener)
  return listener.address
}

/** What the server process of a manager runs: objects, and somebody who receives those that call. */
import { ownSession } from '../arena/session.ts'
import type { SimpleQueue } from '../channel/simple-queue.ts'
import { Dispatcher, type Factory } from './dispatcher.ts'
import { ownFactory, type Registered, userFactory } from './factories.ts'
import { hostedTypes } from './hosted/hosted-types.ts'
import { poolType } from './hosted/pool.ts'
import type { Knock } from './links.ts'
import { Reception } from './reception.ts'

/** What a server is told by the process that starts it. */
export interface ServerPlan {
  readonly name: string
  /** The package's types, too. */
  readonly hasOwnTypes: boolean
  readonly registered: readonly Registered[]
  readonly door: SimpleQueue<Knock>
  /** The first client: who started it. */
  readonly first: Knock
}

/** Serves until this process is ended. */
export async function serve({ name, hasOwnTypes, registered, door, first }: ServerPlan): Promise<void> {
  const factories = new Map<string, Factory>()
  if (hasOwnTypes) for (const [typeid, type] of hostedTypes) factories.set(typeid, ownFactory(type))
  if (hasOwnTypes) factories.set('Pool', ownFactory(poolType))
  for (const one of registered) factories.set(one.typeid, userFactory(one))
  const session = ownSession()
  const dispatcher = new Dispatcher(name, factories)
  const reception = new Reception(session, dispatcher, door)
  reception.admit(first)
  await reception.open()
}

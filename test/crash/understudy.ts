// Who stands by to be started by a child that the sweep kills: one that has booted, and is nobody in the session yet.
import { writeSync } from 'node:fs'
import { sealParcel } from '#src/arena/parcel.js'
import { currentSession } from '#src/arena/session.js'
import { encode } from '#src/codec/codec.js'
import type { Order, Told } from './mother.js'

/** Its pid, and the descriptor on which it waits for its order. */
export const understudy = { pid: 0, line: -1 }

/** What it takes for somebody to become a participant of this session and play the part. */
export function invite(name: string, told: Told): Order {
  const session = currentSession()
  const token = session.reserve(name)
  return { token, at: sealParcel(session, encode(told), token), understudy: false }
}

/** The understudy plays this part. */
export function callUnderstudy(told: Told): { pid: number; token: number } {
  const order = invite('the understudy', told)
  writeSync(understudy.line, `${JSON.stringify(order)}\n`)
  return { pid: understudy.pid, token: order.token }
}

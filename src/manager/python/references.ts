/**
 * Who has how many references of which objects, of those who come through the socket: they say so themselves, with incref and
 * decref. Each is one hold of the Dispatcher.
 *
 * Who cannot say so any more is seen to be gone: a program with this package by its connections, and another process of this
 * machine by its pid, as Unix sockets tell it. Of all others (Python programs on other machines) nobody knows: what they had when they
 * were killed stays until the manager ends, as in Python.
 */
import { closeFd } from '../../os/descriptor.ts'
import { openPidfd, signalPid } from '../../os/pidfd.ts'
import { pollReadable } from '../../os/poll.ts'
import type { Dispatcher, Hosted } from '../dispatcher.ts'

/** A program with this package, by the name it gave itself; a process, by its pid; null: nobody knows. */
export type Owner = string | number | null

/** How often it is looked for processes that have ended, ms. */
const ROUND = 500

interface Account {
  readonly counts: Map<Hosted, number>
  /** Of a process. */
  readonly pidfd: number | undefined
}

export class References {
  readonly #dispatcher: Dispatcher
  readonly #accounts = new Map<Owner, Account>()
  #timer: NodeJS.Timeout | undefined

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher
  }

  add(owner: Owner, hosted: Hosted): void {
    let account = this.#accounts.get(owner)
    if (account === undefined) {
      account = { counts: new Map(), pidfd: typeof owner === 'number' ? openPidfd(owner) : undefined }
      this.#accounts.set(owner, account)
      if (typeof owner === 'number') this.#timer ??= setInterval(() => this.lookForDead(), ROUND).unref()
    }
    account.counts.set(hosted, (account.counts.get(hosted) ?? 0) + 1)
    this.#dispatcher.hold(hosted)
  }

  /** One reference less. A process may give back what another took: then it is that one's. */
  drop(owner: Owner, hosted: Hosted): boolean {
    const mine = this.#accounts.get(owner)
    if (mine !== undefined && this.#take(owner, mine, hosted)) return true
    for (const [other, account] of this.#accounts) if (this.#take(other, account, hosted)) return true
    return false
  }

  #take(owner: Owner, account: Account, hosted: Hosted): boolean {
    const { counts } = account
    const count = counts.get(hosted)
    if (count === undefined) return false
    if (count > 1) counts.set(hosted, count - 1)
    else counts.delete(hosted)
    if (counts.size === 0) this.#close(owner, account)
    this.#dispatcher.letGo(hosted)
    return true
  }

  /** It is gone, and what it had with it. */
  forget(owner: Owner): void {
    const account = this.#accounts.get(owner)
    if (account === undefined) return
    this.#close(owner, account)
    for (const [hosted, count] of account.counts) for (let i = 0; i < count; i++) this.#dispatcher.letGo(hosted)
  }

  #close(owner: Owner, { pidfd }: Account): void {
    this.#accounts.delete(owner)
    if (pidfd !== undefined) closeFd(pidfd)
    if (this.#accounts.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** How many references there are of it. */
  count(hosted: Hosted): number {
    let sum = 0
    for (const { counts } of this.#accounts.values()) sum += counts.get(hosted) ?? 0
    return sum
  }

  lookForDead(): void {
    for (const [owner, account] of [...this.#accounts]) {
      if (typeof owner === 'number' && hasEnded(owner, account.pidfd)) this.forget(owner)
    }
  }
}

function hasEnded(pid: number, pidfd: number | undefined): boolean {
  if (pidfd !== undefined) return pollReadable([pidfd], 0)
  try {
    return !signalPid(pid, 0)
  } catch {
    return false // another user's
  }
}

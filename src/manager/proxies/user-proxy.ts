/** Proxies of objects of the user's own classes: for each list of exposed methods a class that has them, and answers with promises. */
import type { Remote } from '../remote.ts'
import { BaseProxy } from './base-proxy.ts'

type UserProxyClass = new (remote: Remote) => BaseProxy

const classes = new Map<string, UserProxyClass>()

export function userProxyClass(typeid: string, exposed: readonly string[]): UserProxyClass {
  const key = [typeid, ...exposed].join('\n')
  let known = classes.get(key)
  if (known === undefined) {
    known = makeClass(typeid, exposed)
    classes.set(key, known)
  }
  return known
}

function makeClass(typeid: string, exposed: readonly string[]): UserProxyClass {
  const name = `${typeid}Proxy`
  const made = {
    [name]: class extends BaseProxy {
      /** @internal */
      async call(method: string, args: readonly unknown[], from: object): Promise<unknown> {
        try {
          return await super.ask(method, args) // the type may have an `ask` of its own
        } catch (error) {
          addStack(error, from)
          throw error
        }
      }
    },
  }[name]
  const { call } = made.prototype
  Reflect.deleteProperty(made.prototype, 'call')
  for (const method of exposed) {
    if (method === 'then' || method === 'constructor') continue // whoever awaits a proxy wants the proxy
    const value = function (this: BaseProxy, ...args: unknown[]): Promise<unknown> {
      const from = {}
      Error.captureStackTrace(from, value)
      return call.call(this as never, method, args, from)
    }
    Object.defineProperty(value, 'name', { value: method })
    Object.defineProperty(made.prototype, method, { value, configurable: true, writable: true })
  }
  return made
}

/** The error was thrown in the server: where it was called from belongs to it. */
function addStack(error: unknown, from: { stack?: string }): void {
  if (!(error instanceof Error)) return
  const calls = (from.stack ?? '').replace(/^.*\n/, '')
  error.stack = `${error.stack}\n  called from pid ${process.pid}:\n${calls}`
}

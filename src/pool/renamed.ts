/** Errors that name the part of a value that cannot travel, in the caller's words. */
import { NotSerializableError } from '../contract/errors.ts'

/** The same error, its path beginning with `to` where it began with `from`: the whole value is 'value'. Other errors are left alone. */
export function renamed(error: unknown, from: string, to: string): unknown {
  if (!(error instanceof NotSerializableError)) return error
  const { path: before } = error
  let path: string
  if (before.startsWith(from)) path = to + before.slice(from.length)
  else if (from === 'value') path = before.startsWith('[') ? to + before : `${to}.${before}`
  else return error
  return new NotSerializableError(error.message.replaceAll(`\`${before}\``, `\`${path}\``), {
    path,
    cause: error.cause,
  })
}

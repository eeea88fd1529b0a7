/** Errors that name the part of a value that cannot travel, in the caller's words. */
import { NotSerializableError } from '../contract/errors.ts'

/** The same error, its path beginning with `to` where it began with `from`. Other errors are left alone. */
export function renamed(error: unknown, from: string, to: string): unknown {
  if (!(error instanceof NotSerializableError) || !error.path.startsWith(from)) return error
  const path = to + error.path.slice(from.length)
  return new NotSerializableError(error.message.replaceAll(`\`${error.path}\``, `\`${path}\``), {
    path,
    cause: error.cause,
  })
}

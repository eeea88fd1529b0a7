/** Errors of the objects in the server are Python's; those of the proxies are ours, where we have one that says the same. */

/** `error` itself, unless it is Python's exception `name`: then one of ours, with the other as its cause. */
export function translated(
  error: unknown,
  name: string,
  Ours: new (message: string, options: ErrorOptions) => Error,
  message: string,
): unknown {
  return isPythons(error, name) ? new Ours(message, { cause: error }) : error
}

export function isPythons(error: unknown, name: string): boolean {
  return error instanceof Error && (error as { pythonName?: unknown }).pythonName === name
}

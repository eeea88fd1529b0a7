/** How `pack` of a class of our own says that an instance cannot travel where it is found; the codec says which one. */
export class Refusal extends Error {
  readonly what: string
  readonly mend: string

  constructor(what: string, mend: string) {
    super(`${what} cannot travel; ${mend}`)
    this.what = what
    this.mend = mend
  }
}

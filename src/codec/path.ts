/** The way to a part of a value, as one would write it: `items[3].callback`. */

/** A number is an index, a string a property; anything else says itself how it is written. */
export type Step = number | string | { readonly text: string }

const plainName = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u
/** Beyond these only the first and the last are shown: a path is to be read. */
const SHOWN = 24

export function pathOf(steps: readonly Step[]): string {
  if (steps.length > SHOWN) return `${pathOf(steps.slice(0, SHOWN - 4))} … ${steps.slice(-4).map(textOf).join('')}`
  const text = steps.map(textOf).join('')
  return text.startsWith('.') && typeof steps[0] === 'string' ? text.slice(1) : `value${text}`
}

function textOf(step: Step): string {
  if (typeof step === 'number') return `[${step}]`
  if (typeof step !== 'string') return step.text
  return plainName.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
}

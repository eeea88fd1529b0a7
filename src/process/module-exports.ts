/** Which names a module exports, read from its text: nothing is imported and nothing runs. */
import { type Export, parse } from 'es-module-lexer'

export interface ModuleExports {
  /** False: the text says nothing that only an ES module could say; it is CommonJS, or exports nothing. */
  readonly isModule: boolean
  /** Exported name → the variable it stands for; `undefined` for an unnamed default and for what comes from elsewhere. */
  readonly names: ReadonlyMap<string, string | undefined>
  /** `export *`: there are more names than these. */
  readonly andOthers: boolean
  /** Where `export default` stands in the text; -1 without one, or when it is written `export { x as default }`. */
  readonly defaultAt: number
}

/** Reads JavaScript or TypeScript; `null` when the text is neither. */
export function readExports(source: string): ModuleExports | null {
  let exported: readonly Export[]
  let isModule: boolean
  try {
    const read = parse(source)
    exported = read[1]
    isModule = read[3]
  } catch {
    return null
  }
  const names = new Map<string, string | undefined>()
  let andOthers = false
  let defaultAt = -1
  for (const one of exported) {
    if (one.typeOnly) continue
    if (one.type === 'reexport-all') {
      andOthers = true
      continue
    }
    const localName = one.type === 'direct' ? one.localName : undefined
    names.set(one.name, localName)
    if (
      one.name === 'default' &&
      one.type === 'direct' &&
      /^export\s*\{/.test(source.slice(one.exportStart)) === false
    ) {
      defaultAt = one.end
    }
  }
  return { isModule, names, andOthers, defaultAt }
}

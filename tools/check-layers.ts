// The list of layers as code, and the check that src/ keeps to it: imports point down, no cycles, no file or folder that gathers everything.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSources, splitComments } from './source-text.ts'

/** A file may import from its own folder and from the folders listed after its folder's name. */
export const layers: Record<string, string[]> = {
  contract: [],
  os: ['contract'],
  codec: ['contract'],
  pickle: ['contract'],
  arena: ['contract', 'os'],
  sync: ['contract', 'arena'],
  shared: ['contract', 'os', 'arena', 'sync'],
  channel: ['contract', 'arena', 'codec'],
  commons: ['contract', 'os', 'arena', 'codec'],
  wire: ['contract', 'os', 'codec', 'channel', 'pickle'],
  process: ['contract', 'os', 'arena', 'codec'],
  pool: ['contract', 'codec', 'channel', 'process'],
  manager: ['contract', 'os', 'codec', 'pickle', 'arena', 'sync', 'shared', 'channel', 'wire', 'process', 'pool'],
  posix: ['contract', 'os'],
  redis: ['contract', 'codec'], // never os, never arena: a Redis-only program needs no native code
  cli: ['index', 'redis'], // public entries only: if the command line needs more, the API lacks something
}

/** Files directly in src/: they name everything, so any layer may stand behind them and none may import them. */
export const roots = ['index', 'context', 'handles', 'posix']

/** A child learns every kind of handle by importing the roots when it starts: by path, at run time, from this folder alone. */
const importsRootsAtRunTime = 'process'

/** One seam each to native code, to the wire format and to the module parser. */
export const packages: Record<string, string> = { koffi: 'os', msgpackr: 'codec', 'es-module-lexer': 'process' }

/** The one file that touches a shared word, so that the interleaving checker can take its place. */
const words = 'src/arena/words.ts'
/** Beside it only the start-up check that atomics work on mapped memory at all, which runs before there are shared words. */
const usesAtomics = [words, 'src/os/mapping.ts']

/** package.json `imports` that stand for a file of src/. */
const aliases: Record<string, string> = { '#words': words }

const longestFile = 500
const namesNothing = /^(?:utils?|common|helpers?|types?|misc|shared-utils)$/

export interface Import {
  from: string
  line: number
  kind: 'type' | 'static' | 'dynamic'
}

/** Every module a source text names: import, import type, export from, import() and typeof import(). */
export function importsOf(text: string): Import[] {
  const { code } = splitComments(text)
  const found: Import[] = []
  const patterns = [
    /\b(?:import|export)\s+(?<type>type\b)?[^'"`;()=]*?\bfrom\s*(['"])(?<from>[^'"\n]+)\2/g,
    /\bimport\s*(['"])(?<from>[^'"\n]+)\1/g,
    /(?<typeof>\btypeof\s+)?(?<dynamic>\bimport)\s*\(\s*(['"])(?<from>[^'"\n]+)\3/g,
  ]
  for (const pattern of patterns) {
    for (const match of code.matchAll(pattern)) {
      const groups = match.groups!
      const kind = groups.type || groups.typeof ? 'type' : groups.dynamic ? 'dynamic' : 'static'
      found.push({ from: groups.from, line: code.slice(0, match.index).split('\n').length, kind })
    }
  }
  return found.sort((a, b) => a.line - b.line)
}

const layerOf = (file: string) => {
  const parts = file.split('/')
  return parts.length === 2 ? parts[1].replace(/\.ts$/, '') : parts[1]
}

const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

const list = (names: string[]) => (names.length === 0 ? 'nothing' : names.join(', '))

/** The offences of these files (path from the checkout, with `/`, to text), one line each; none: all is well. */
export function checkLayers(files: Map<string, string>): string[] {
  const offences: string[] = []
  const runTime = new Map<string, string[]>()

  for (const [file, text] of files) {
    const layer = layerOf(file)
    const isRoot = file.split('/').length === 2
    const allowed = isRoot ? Object.keys(layers) : layers[layer]
    for (const part of file.split('/').slice(1))
      if (namesNothing.test(part.replace(/\.ts$/, ''))) offences.push(`${file}: '${part}' names nothing`)
    if (isRoot ? !roots.includes(layer) : allowed === undefined) {
      offences.push(`${file} is in no layer: the list in tools/check-layers.ts has ${list(Object.keys(layers))}`)
      continue
    }
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    if (lines > longestFile) offences.push(`${file} has ${lines} lines: at most ${longestFile}, split it by object`)

    if (!usesAtomics.includes(file))
      splitComments(text)
        .code.split('\n')
        .forEach((line, i) => {
          if (/\bAtomics\b/.test(line)) offences.push(`${file}:${i + 1} uses Atomics: only ${words} may`)
        })

    const targets: string[] = []
    for (const { from, line, kind } of importsOf(text)) {
      if (from.startsWith('node:')) continue
      const target = from.startsWith('.') ? path.posix.join(path.posix.dirname(file), from) : aliases[from]
      if (target === undefined) {
        const owner = packages[packageOf(from)]
        if (owner === undefined) offences.push(`${file}:${line} imports the package ${from}: no layer may`)
        else if (owner !== layer) offences.push(`${file}:${line} imports the package ${from}: only ${owner} may`)
        continue
      }
      if (!target.startsWith('src/') || !files.has(target)) {
        offences.push(`${file}:${line} imports ${from}: there is no ${target}`)
        continue
      }
      if (kind === 'static') targets.push(target)
      const to = layerOf(target)
      if (to === layer) continue
      if (roots.includes(to) && (isRoot || (layer === importsRootsAtRunTime && kind === 'dynamic'))) continue
      if (!allowed.includes(to)) offences.push(`${file} imports ${to}: ${layer} may import ${list(allowed)}`)
    }
    runTime.set(file, targets)
  }
  return [...offences, ...cycles(runTime)]
}

/** One line for each import that closes a ring of files at run time. */
function cycles(graph: Map<string, string[]>): string[] {
  const offences: string[] = []
  const done = new Set<string>()
  const open: string[] = []
  const visit = (file: string) => {
    if (done.has(file)) return
    const start = open.indexOf(file)
    if (start >= 0) {
      offences.push(`import cycle: ${[...open.slice(start), file].join(' → ')}`)
      return
    }
    open.push(file)
    for (const target of graph.get(file) ?? []) visit(target)
    open.pop()
    done.add(file)
  }
  for (const file of graph.keys()) visit(file)
  return offences
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const offences = checkLayers(readSources(process.cwd(), 'src'))
  for (const offence of offences) console.error(offence)
  process.exitCode = offences.length > 0 ? 1 : 0
}

// Makes what is published: dist/, a few large files of the many small ones in build/src/. To import 300 files takes 150 ms of CPU more
// than to import a dozen, and a file for each layer still 10 ms more than these; every child pays for it.
//
// Beside them, not published: build/inside.js, through which the tests of the published files see their insides.
import { readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ModuleInfo, rollup } from 'rollup'
import { minify } from 'terser'

const checkout = fileURLToPath(new URL('../../', import.meta.url))
const files = path.join(checkout, 'build/src')

/** What is imported by its name or its place: by users, by children, by workers, by a manager's server. */
const ENTRIES = ['index', 'posix', 'process/bootstrap', 'process/thread-bootstrap', 'pool/worker', 'manager/server']

const isEntry = (file: string): boolean => ENTRIES.some(entry => file === path.join(files, `${entry}.js`))

/** The package's own names for files of its own: see `imports` in package.json. */
function place(imported: string): string | undefined {
  if (imported === '#words') return path.join(files, 'arena/words.js')
  return imported.startsWith('#src/') ? path.join(files, imported.slice('#src/'.length)) : undefined
}

/**
 * Short names for what is local or private, a line for each statement, no comments; functions and classes keep their names. The
 * engine reads every character before a process can start, and keeps the text in its heap; a character beyond Latin-1 would make it
 * keep all in twice the memory.
 */
async function shortened(code: string): Promise<string> {
  const format = { semicolons: false, comments: false, ascii_only: true }
  const { code: short = code } = await minify(code, {
    module: true,
    compress: false,
    keep_fnames: true,
    keep_classnames: true,
    format,
  })
  return short
}

const reaches = new Map<string, Set<string>>()

/** The files that an entry imports, and those that these import, but for what is imported when it is needed. */
function reached(entry: string, infoOf: (file: string) => ModuleInfo | null): Set<string> {
  const known = reaches.get(entry)
  if (known !== undefined) return known
  const all = new Set([path.join(files, `${entry}.js`)])
  for (const file of all) for (const imported of infoOf(file)?.importedIds ?? []) all.add(imported)
  reaches.set(entry, all)
  return all
}

const bundle = await rollup({
  input: {
    ...Object.fromEntries(ENTRIES.map(entry => [`dist/${entry}`, path.join(files, `${entry}.js`)])),
    'build/inside': path.join(checkout, 'build/test/support/inside.js'),
  },
  external: imported => !imported.startsWith('.') && !path.isAbsolute(imported) && place(imported) === undefined,
  plugins: [{ name: 'own names', resolveId: place, renderChunk: shortened }],
  treeshake: false,
  onwarn(warning) {
    if (warning.code !== 'THIS_IS_UNDEFINED') throw new Error(warning.message) // tsc's helpers for import() begin so
  },
})

const { output } = await bundle.write({
  dir: checkout,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'dist/parts/[name].js',
  manualChunks(file, { getModuleInfo }) {
    const [layer, rest] = path.relative(files, file).split('/')
    if (rest === undefined || layer === '..' || isEntry(file)) return undefined
    if (layer === 'posix') return layer
    if (layer === 'os' || reached('posix', getModuleInfo).has(file)) return 'base' // posix needs no more of the others
    if (reached('index', getModuleInfo).has(file)) return 'core' // children need nearly all of it, too
    return layer === 'manager' ? 'manager-server' : layer
  },
  hoistTransitiveImports: false,
  generatedCode: 'es2015',
})
await bundle.close()

// what an earlier build has left
const made = new Set(output.map(({ fileName }) => fileName))
for (const file of readdirSync(path.join(checkout, 'dist'), { recursive: true, encoding: 'utf8' })) {
  const published = path.join('dist', file)
  if (/\.js(\.map)?$/.test(file) && !made.has(published)) rmSync(path.join(checkout, published))
}

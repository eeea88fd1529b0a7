// Makes what is published: dist/, a few large files of the many small ones in build/src/. A process that imports 300 files takes
// 150 ms of CPU longer to start than one that imports a dozen, and every child pays for it.
//
// Beside them, not published: build/inside.js, through which the tests of the published files see their insides.
import { readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { rollup } from 'rollup'
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

/** As it is but for comments, and in ASCII: one character beyond Latin-1 makes the engine keep the whole text in twice the memory. */
async function withoutComments(code: string): Promise<string> {
  const format = { beautify: true, indent_level: 2, comments: false, ascii_only: true }
  const { code: short = code } = await minify(code, { module: true, compress: false, mangle: false, format })
  return short
}

const bundle = await rollup({
  input: {
    ...Object.fromEntries(ENTRIES.map(entry => [`dist/${entry}`, path.join(files, `${entry}.js`)])),
    'build/inside': path.join(checkout, 'build/test/support/inside.js'),
  },
  external: imported => !imported.startsWith('.') && !path.isAbsolute(imported) && place(imported) === undefined,
  plugins: [{ name: 'own names', resolveId: place, renderChunk: withoutComments }],
  treeshake: false,
  onwarn(warning) {
    if (warning.code !== 'THIS_IS_UNDEFINED') throw new Error(warning.message) // tsc's helpers for import() begin so
  },
})

const { output } = await bundle.write({
  dir: checkout,
  format: 'esm',
  entryFileNames: '[name].js',
  // one for each layer
  chunkFileNames: 'dist/layers/[name].js',
  manualChunks(file) {
    const [layer, rest] = path.relative(files, file).split('/')
    return rest === undefined || layer === '..' || isEntry(file) ? undefined : layer
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

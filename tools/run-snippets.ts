// Every snippet runs: js and ts blocks of README.md and docs/, and @example blocks of src/, each as a program of its own.
//
// A block becomes build/snippets/<document>-L<line>/main.{ts,mjs}, from where 'multiproc' resolves to this checkout. Rules for authors:
//   ```ts no-run             only type-checked (js: only parsed)
//   // file: worker.mjs      as first line: written under that name beside the document's other blocks; only main.* is also run
//   @example                 gets `assert` and the public names it uses imported, unless it imports them itself; below src/posix/
//                            those of 'multiproc/posix' as well
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSources, splitComments } from './source-text.ts'

export interface Snippet {
  /** Path from the checkout. */
  document: string
  /** Line of its first line of code, from 1. */
  line: number
  language: 'js' | 'ts'
  code: string
  /** The name given by `// file:`. */
  file: string | null
  run: boolean
  /** From a doc comment: names are imported for it. */
  example: boolean
}

export interface Outcome {
  ok: boolean
  /** What went wrong: compiler messages, or the output of the program. */
  report: string
}

/** ms a snippet may take before it and its children are killed. */
const deadline = 60_000
const fence = /^(?<indent>\s*)```+\s*(?<info>.*)$/

/** The js and ts blocks of a Markdown text, or of an @example that has fences. `firstLine` is the line of the text's first line. */
export function snippetsOf(text: string, document: string, firstLine = 1, example = false): Snippet[] {
  const snippets: Snippet[] = []
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const open = fence.exec(lines[i])
    if (!open) continue
    const [tongue, ...words] = open.groups!.info.trim().split(/\s+/)
    const start = i + 1
    do i++
    while (i < lines.length && !/^\s*```+\s*$/.test(lines[i]))
    const language = { js: 'js', mjs: 'js', javascript: 'js', ts: 'ts', typescript: 'ts' }[tongue] as
      | 'js'
      | 'ts'
      | undefined
    if (!language) continue
    const code = lines.slice(start, i).map(line => line.replace(open.groups!.indent, ''))
    const file = /^\/\/ file:\s*(\S+)\s*$/.exec(code[0] ?? '')?.[1] ?? null
    snippets.push({
      document,
      line: firstLine + start,
      language,
      code: `${code.join('\n')}\n`,
      file,
      run: !words.includes('no-run') && (file === null || file.startsWith('main.')),
      example,
    })
  }
  return snippets
}

/** The @example blocks in the doc comments of a source text. */
export function examplesOf(text: string, document: string): Snippet[] {
  const snippets: Snippet[] = []
  for (const comment of splitComments(text).comments) {
    if (!comment.text.startsWith('/**')) continue
    const lines = comment.text
      .slice(3, -2)
      .split('\n')
      .map(line => line.replace(/^\s*\* ?/, ''))
    for (let i = 0; i < lines.length; i++) {
      if (!/^\s*@example\b/.test(lines[i])) continue
      const start = i + 1
      while (i + 1 < lines.length && !/^\s*@[a-z]+/.test(lines[i + 1])) i++
      const body = lines.slice(start, i + 1)
      if (body.some(line => fence.test(line))) {
        snippets.push(...snippetsOf(body.join('\n'), document, comment.line + start, true))
      } else {
        const code = `${body.join('\n').trimEnd()}\n`
        snippets.push({
          document,
          line: comment.line + start,
          language: 'ts',
          code,
          file: null,
          run: true,
          example: true,
        })
      }
    }
  }
  return snippets
}

/** Every snippet of the checkout, in the order of its documents. */
export function allSnippets(root: string): Snippet[] {
  const documents = [
    'README.md',
    ...(existsSync(path.join(root, 'docs')) ? readdirSync(path.join(root, 'docs')).sort() : []),
  ]
    .map((name, i) => (i === 0 ? name : `docs/${name}`))
    .filter(name => name.endsWith('.md') && existsSync(path.join(root, name)))
  return [
    ...documents.flatMap(name => snippetsOf(readFileSync(path.join(root, name), 'utf8'), name)),
    ...[...readSources(root, 'src')].flatMap(([file, text]) => examplesOf(text, file)),
  ]
}

/** One line of imports for the names a snippet uses and neither imports nor declares. */
export function importsFor(code: string, publicNames: string[], from = 'multiproc'): string {
  const { code: bare } = splitComments(code)
  const words = bare.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")
  const declared = (name: string) =>
    new RegExp(
      `\\b(?:const|let|var|function\\*?|class|interface|type)\\s+${name}\\b|\\bimport\\b[^;'"]*\\b${name}\\b[^;'"]*\\bfrom\\b|\\b(?:const|let|var)\\s*[[{][^=]*\\b${name}\\b[^=]*=`,
    ).test(words)
  const used = (name: string) => new RegExp(`(?<![.\\w$'])${name}\\b(?!\\s*:)`).test(words) && !declared(name)
  const names = publicNames.filter(used)
  const parts = []
  if (from === 'multiproc' && used('assert')) parts.push("import assert from 'node:assert/strict'")
  if (names.length > 0) parts.push(`import { ${names.join(', ')} } from '${from}'`)
  return parts.length > 0 ? `${parts.join('; ')};` : ''
}

/** The names 'multiproc' exports, values and types, as src/index.ts tells them. */
export function publicNames(root: string, file = 'src/index.ts'): string[] {
  const { code } = splitComments(readFileSync(path.join(root, file), 'utf8'))
  const listed = [...code.matchAll(/\bexport\s+(?:type\s*)?\{([^}]*)\}/g)].flatMap(([, names]) =>
    names.split(',').map(name => name.trim().split(/\s+/).at(-1)!),
  )
  const declared = [
    ...code.matchAll(
      /\bexport\s+(?:declare\s+|abstract\s+|async\s+)*(?:const|let|function\*?|class|interface|type)\s+([\w$]+)/g,
    ),
  ].map(([, name]) => name)
  const passedOn = [...code.matchAll(/\bexport\s+(?:type\s+)?\*\s+from\s+['"](\.[^'"]+)['"]/g)].flatMap(([, from]) =>
    publicNames(root, path.join(path.dirname(file), from)),
  )
  return [...new Set([...listed, ...declared, ...passedOn])].filter(name => /^[\w$]+$/.test(name) && name !== 'default')
}

export interface Prepared {
  snippet: Snippet
  folder: string
  /** Path of the program to run, or null when it is only checked. */
  program: string | null
  problems: string[]
}

const nameOf = (snippet: Snippet) => `${snippet.document}:${snippet.line}`

/** Writes every snippet into a folder of its own, below `into`, and compiles all TypeScript in one run of tsc. What lay there goes. */
export function prepareSnippets(root: string, snippets: Snippet[], into = 'build/snippets'): Map<string, Prepared> {
  const base = path.join(root, into)
  rmSync(base, { recursive: true, force: true })
  mkdirSync(base, { recursive: true })
  const names = publicNames(root)
  const posix = existsSync(path.join(root, 'src/posix.ts')) ? publicNames(root, 'src/posix.ts') : []
  const posixNames = posix.filter(name => !names.includes(name))
  const imports = ({ code, document }: Snippet) =>
    importsFor(code, names) + (document.startsWith('src/posix/') ? importsFor(code, posixNames, 'multiproc/posix') : '')
  const prepared = new Map<string, Prepared>()
  // first line in the file, so that a compiler message can be told by the document's own line
  const origins = new Map<string, { name: string; prepared: Prepared; line: number }>()

  for (const snippet of snippets) {
    const folder = path.join(base, `${snippet.document.replace(/[^\w.]+/g, '-')}-L${snippet.line}`)
    mkdirSync(folder, { recursive: true })
    const mine: Prepared = { snippet, folder, program: null, problems: [] }
    const write = (file: string, other: Snippet) => {
      // on the snippet's own first line, so that line numbers stay
      const code = other.example ? `${imports(other)}${other.code}` : other.code
      const target = path.join(folder, file)
      mkdirSync(path.dirname(target), { recursive: true })
      writeFileSync(
        target,
        /\.[cm]?ts$/.test(file) && !/\b(?:import|export)\b/.test(code) ? `${code}export {}\n` : code,
      )
      origins.set(path.relative(base, target), { name: other.document, prepared: mine, line: other.line })
    }
    // of files with one name: the nearest above, else the first below
    const beside = new Map<string, Snippet>()
    for (const other of snippets) {
      if (other.document !== snippet.document || other.file === null || other === snippet) continue
      if (other.line < snippet.line || !beside.has(other.file)) beside.set(other.file, other)
    }
    for (const [file, other] of beside) write(file, other)
    const file = snippet.file ?? (snippet.language === 'ts' ? 'main.ts' : 'main.mjs')
    write(file, snippet)
    const program = path.join(folder, file.replace(/\.ts$/, '.js').replace(/\.mts$/, '.mjs'))
    if (snippet.run) mine.program = program
    else if (!/\.[cm]?ts$/.test(file)) {
      const parsed = spawnSync(process.execPath, ['--check', program], { encoding: 'utf8', timeout: deadline })
      if (parsed.status !== 0) mine.problems.push(parsed.stderr)
    }
    prepared.set(nameOf(snippet), mine)
  }

  if ([...origins.keys()].some(file => /\.[cm]?ts$/.test(file))) compile(root, base, origins)
  return prepared
}

function compile(
  root: string,
  base: string,
  origins: Map<string, { name: string; prepared: Prepared; line: number }>,
): void {
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: {
      rootDir: '.',
      outDir: '.',
      declaration: false,
      declarationDir: null,
      sourceMap: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      // a type among the names imported for an example is dropped again
      verbatimModuleSyntax: false,
      isolatedModules: false,
    },
    include: ['**/*.ts', '**/*.mts'],
    exclude: [], // else the output folder, which this is
  }
  writeFileSync(path.join(base, 'tsconfig.json'), JSON.stringify(config, null, 2))
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const compiled = spawnSync(process.execPath, [tsc, '-p', base, '--pretty', 'false'], {
    cwd: base,
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (compiled.status === 0) return
  let last: Prepared | undefined
  for (const line of `${compiled.stdout}${compiled.stderr}`.split('\n').filter(Boolean)) {
    const message = /^(?<file>[^(\s]+)\((?<line>\d+),\d+\): (?<text>.*)$/.exec(line)
    const origin = message && origins.get(message.groups!.file)
    if (origin) {
      last = origin.prepared
      last.problems.push(`${origin.name}:${origin.line + Number(message.groups!.line) - 1} ${message.groups!.text}`)
    } else if (last && line.startsWith(' ')) last.problems.push(line)
    else
      throw new Error(`tsc could not compile the snippets: ${compiled.stdout}${compiled.stderr}${compiled.error ?? ''}`)
  }
}

const running = new Set<ChildProcess>()
const endGroup = (child: ChildProcess) => {
  try {
    process.kill(-child.pid!, 'SIGKILL')
  } catch {
    // nothing of it is left
  }
}
process.on('exit', () => {
  for (const child of running) endGroup(child)
})

/** Runs one snippet in a process group of its own; whatever it left behind is killed when it ends or is late. */
export async function runSnippet({ folder, program, problems }: Prepared, ms = deadline): Promise<Outcome> {
  if (problems.length > 0) return { ok: false, report: problems.join('\n') }
  if (program === null) return { ok: true, report: '' }
  const env: NodeJS.ProcessEnv = { ...process.env, FORCE_COLOR: '0' }
  delete env.NODE_TEST_CONTEXT
  const child = spawn(process.execPath, [program], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let output = ''
  let late = false
  child.stdout.setEncoding('utf8').on('data', text => (output += text))
  child.stderr.setEncoding('utf8').on('data', text => (output += text))
  const timer = setTimeout(() => {
    late = true
    endGroup(child)
  }, ms)
  const closed = new Promise(resolve => child.once('close', resolve))
  const code = await new Promise(resolve => child.once('exit', (code, signal) => resolve(code ?? signal)))
  clearTimeout(timer)
  endGroup(child)
  await closed
  running.delete(child)
  if (late) return { ok: false, report: `still running after ${ms} ms\n${output}` }
  return { ok: code === 0, report: code === 0 ? '' : `exit code ${code}\n${output}` }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const filter = process.argv[2] ?? ''
  const prepared = prepareSnippets(process.cwd(), allSnippets(process.cwd()))
  for (const [name, snippet] of prepared) {
    if (!name.includes(filter)) continue
    const { ok, report } = await runSnippet(snippet)
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}${report && `\n${report}`}`)
    if (!ok) process.exitCode = 1
  }
}

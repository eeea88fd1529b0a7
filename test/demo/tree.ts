// Folders of known content for the census, and independent counts of them by find, wc and tr.
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'

export interface Totals {
  files: number
  bytes: number
  lines: number
  words: number
}

/** A fresh folder with these files; removed when the test is over. */
export function tree(t: TestContext, files: Record<string, string | Uint8Array> = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'census-'))
  // `rm` and not rmSync: some tests make paths longer than a system call takes
  t.after(() => execFileSync('rm', ['-rf', folder]))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), content)
  }
  return folder
}

/** `copies` names for one large text, in folders of 100: much to count that takes little room. */
export function largeTree(t: TestContext, copies: number): string {
  const folder = tree(t, { original: prose(20_000, 1) })
  for (let i = 1; i < copies; i++) {
    const under = path.join(folder, `part ${Math.floor(i / 100)}`)
    mkdirSync(under, { recursive: true })
    linkSync(path.join(folder, 'original'), path.join(under, `copy ${i}.txt`))
  }
  return folder
}

/** Lines of words, punctuation and numbers; the same for the same seed. */
export function prose(lines: number, seed: number): string {
  let state = seed
  const random = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >>> 8) % n
  }
  const stems = ['Queue', 'lock', 'the', 'WORD', "don't", 'x1', '--', '42', 'a_b', 'naïve', 'shared.', '(memory)']
  const line = () =>
    Array.from({ length: random(12) }, () => stems[random(stems.length)] + 'aeiou'[random(5)]).join(' ')
  return Array.from({ length: lines }, line).join('\n')
}

/** What find and wc say about all regular files under a folder. */
export function totalsByWc(folder: string): Totals {
  // tr first: wc takes a run of nothing but control or non-ASCII bytes for a word from coreutils 9.5 on, not before
  const shell = (script: string) =>
    Number(execFileSync('sh', ['-c', script, 'sh', folder], { env: { ...process.env, LC_ALL: 'C' }, encoding: 'utf8' }))
  return {
    files: shell('find "$1" -type f -printf . | wc -c'),
    bytes: shell('find "$1" -type f -exec cat {} + | wc -c'),
    lines: shell('find "$1" -type f -exec cat {} + | wc -l'),
    // sed '$a\': a last line without its end would grow together with the first of the next file
    words: shell(`find "$1" -type f -exec sed '$a\\' {} + | tr -d '\\000-\\010\\016-\\037\\177-\\377' | wc -w`),
  }
}

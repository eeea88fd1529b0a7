// The check of numbered steps: a header's [A1] stands at a line of its file, a line's [A1] stands in the header, and partners are alive.
import { fileURLToPath } from 'node:url'
import { type Comment, readSources, splitComments } from './source-text.ts'

const tag = /\[[A-Z]\d+\]/g
/** A tag said to be another file's: `[D1] in recovery.ts`. */
const foreign = /(\[[A-Z]\d+\])\s+(?:in|of)\s+`?([\w./-]+\.ts)\b/g
const pairing = /pairs with\s+((?:\[[A-Z]\d+\](?:\s*(?:,|and)\s*)?)+)(?:\s+(?:in|of)\s+`?([\w./-]+\.ts)\b)?/g
/** Boxes and arrows: the comment is a state drawing. */
const drawing = /[─│┌└├▶▼◀▲]/

interface Steps {
  header: Map<string, number>
  code: Map<string, number>
}

/** Text of a comment without its stars, so that a sentence may run over a line break. */
const prose = (comment: Comment) => comment.text.replace(/\n\s*\*?\s*/g, '\n ').replace(/\s*\n\s*/g, ' ')

function stepsOf(text: string): Steps {
  const { code, comments } = splitComments(text)
  const steps: Steps = { header: new Map(), code: new Map() }
  const first = comments.find(comment => comment.block)
  for (const comment of comments) {
    if (comment.block && (comment === first || drawing.test(comment.text))) {
      const own = comment.text.replace(foreign, '')
      own.split('\n').forEach((line, i) => {
        for (const [name] of line.matchAll(tag)) if (!steps.header.has(name)) steps.header.set(name, comment.line + i)
      })
    } else {
      const leading = /^\/[/*]+\s*((?:\[[A-Z]\d+\][\s,]*(?:and\s+)?)+)/.exec(comment.text)
      for (const [name] of leading?.[1].matchAll(tag) ?? []) steps.code.set(name, comment.line)
    }
  }
  // a step may be marked by a call instead of a comment: crashPoint('[A1]')
  code.split('\n').forEach((line, i) => {
    for (const [, name] of line.matchAll(/['"`](\[[A-Z]\d+\])/g)) steps.code.set(name, i + 1)
  })
  return steps
}

/** The offences of these files (path to text), one line each; none: all is well. */
export function checkSteps(files: Map<string, string>): string[] {
  const offences: string[] = []
  const steps = new Map([...files].map(([file, text]) => [file, stepsOf(text)]))
  for (const [file, text] of files) {
    const { header, code } = steps.get(file)!
    for (const [name, line] of header)
      if (!code.has(name))
        offences.push(`${file}:${line} ${name} is in the header, but no line of the code is marked // ${name}`)
    for (const [name, line] of code)
      if (!header.has(name)) offences.push(`${file}:${line} ${name} marks a line, but the header does not tell of it`)
    for (const comment of splitComments(text).comments) {
      for (const [, names, other] of prose(comment).matchAll(pairing)) {
        const partners = other
          ? [...steps].filter(([name]) => name === other || name.endsWith(`/${other}`)).map(([, found]) => found)
          : [steps.get(file)!]
        for (const [name] of names.matchAll(tag))
          if (!partners.some(partner => partner.header.has(name) || partner.code.has(name)))
            offences.push(`${file}:${comment.line} pairs with ${name}, which is not in ${other ?? 'this file'}`)
      }
    }
  }
  return offences
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const offences = checkSteps(readSources(process.cwd(), 'src'))
  for (const offence of offences) console.error(offence)
  process.exitCode = offences.length > 0 ? 1 : 0
}

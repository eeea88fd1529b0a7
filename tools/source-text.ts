// A source file taken apart into its code and its comments, both with their line numbers, for the checks beside this file.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

export interface Comment {
  text: string
  /** Line of its first character, from 1. */
  line: number
  block: boolean
}

export interface SourceText {
  /** The text with every comment blanked out: same length, same lines. */
  code: string
  comments: Comment[]
}

const startsRegExp = /(?:^|[(,=:[!&|?{};+\-*%<>~^\n]|\b(?:return|typeof|case|in|of|yield|await))\s*$/

/** Splits TypeScript by a scan that knows strings, templates and regular expressions, as far as finding comments needs it. */
export function splitComments(text: string): SourceText {
  const comments: Comment[] = []
  let code = ''
  let at = 0
  let line = 1
  // depth of braces inside each open `${`
  const templates: number[] = []

  const keep = (end: number) => {
    const piece = text.slice(at, end)
    code += piece
    line += piece.split('\n').length - 1
    at = end
  }
  const skipComment = (end: number, block: boolean) => {
    const piece = text.slice(at, end)
    comments.push({ text: piece, line, block })
    code += piece.replace(/[^\n]/g, ' ')
    line += piece.split('\n').length - 1
    at = end
  }
  const endOf = (start: number, stop: (char: string) => boolean) => {
    let i = start
    while (i < text.length && !stop(text[i])) i += text[i] === '\\' ? 2 : 1
    return Math.min(i + 1, text.length)
  }
  const template = (start: number) => {
    let i = start
    while (i < text.length && text[i] !== '`' && !(text[i] === '$' && text[i + 1] === '{'))
      i += text[i] === '\\' ? 2 : 1
    if (text[i] === '$') templates.push(0)
    keep(Math.min(text[i] === '$' ? i + 2 : i + 1, text.length))
  }

  while (at < text.length) {
    const char = text[at]
    const two = text.slice(at, at + 2)
    if (two === '//') {
      const end = text.indexOf('\n', at)
      skipComment(end < 0 ? text.length : end, false)
    } else if (two === '/*') {
      const end = text.indexOf('*/', at + 2)
      skipComment(end < 0 ? text.length : end + 2, true)
    } else if (char === "'" || char === '"') {
      keep(endOf(at + 1, c => c === char || c === '\n'))
    } else if (char === '`') {
      template(at + 1)
    } else if (char === '/' && startsRegExp.test(code.slice(-40))) {
      let inClass = false
      keep(
        endOf(at + 1, c => {
          if (c === '[') inClass = true
          if (c === ']') inClass = false
          return c === '\n' || (c === '/' && !inClass)
        }),
      )
    } else if (templates.length > 0 && char === '{') {
      templates[templates.length - 1]++
      keep(at + 1)
    } else if (templates.length > 0 && char === '}') {
      const depth = templates[templates.length - 1]
      if (depth === 0) {
        templates.pop()
        template(at + 1)
      } else {
        templates[templates.length - 1] = depth - 1
        keep(at + 1)
      }
    } else {
      keep(at + 1)
    }
  }
  return { code, comments }
}

/** Every TypeScript file under `folder`, as path (with `/`, from `root`) to text, in the order of their names. */
export function readSources(root: string, folder: string): Map<string, string> {
  const sources = new Map<string, string>()
  const walk = (relative: string) => {
    for (const name of readdirSync(path.join(root, relative)).sort()) {
      const file = `${relative}/${name}`
      if (statSync(path.join(root, file)).isDirectory()) walk(file)
      else if (name.endsWith('.ts')) sources.set(file, readFileSync(path.join(root, file), 'utf8'))
    }
  }
  walk(folder)
  return sources
}

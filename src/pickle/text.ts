/**
 * Python's text in bytes: UTF-8 in which a lone half of a surrogate pair may stand as well ("surrogatepass", WTF-8).
 *
 * Both languages allow such halves. What is otherwise wrong is refused: nothing becomes U+FFFD silently.
 */

/** Adds up UTF-16 units without a call for each, and without one for more than the stack can hold. */
class Units {
  #text = ''
  #units: number[] = []

  add(point: number): void {
    if (point > 0xffff) this.#units.push(0xd7c0 + (point >> 10), 0xdc00 + (point & 0x3ff))
    else this.#units.push(point)
    if (this.#units.length >= 4096) this.#flush()
  }

  #flush(): void {
    this.#text += String.fromCharCode(...this.#units)
    this.#units = []
  }

  toString(): string {
    this.#flush()
    return this.#text
  }
}

/** The text of these bytes; undefined where they are none. */
export function readText(bytes: Buffer, from: number, to: number): string | undefined {
  const text = bytes.toString('utf8', from, to)
  // what cannot be read was replaced by U+FFFD; so is this sign itself, and then the long way tells
  return text.includes('\ufffd') ? readExactly(bytes, from, to) : text
}

function readExactly(bytes: Uint8Array, from: number, to: number): string | undefined {
  const units = new Units()
  for (let at = from; at < to; ) {
    const lead = bytes[at++]
    if (lead < 0x80) {
      units.add(lead)
      continue
    }
    const more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1
    if (lead < 0xc2 || lead > 0xf4 || at + more > to) return undefined
    let point = lead & (0x3f >> more)
    for (let i = 0; i < more; i++) {
      const next = bytes[at++]
      if ((next & 0xc0) !== 0x80) return undefined
      point = (point << 6) | (next & 0x3f)
    }
    // written with more bytes than it needs, or beyond the last sign
    if (point < (more === 1 ? 0x80 : more === 2 ? 0x800 : 0x10000) || point > 0x10ffff) return undefined
    units.add(point)
  }
  return units.toString()
}

/** Writes a text that has lone halves, of at most 3 bytes for each unit; gives where it ends. */
export function writeExactly(text: string, bytes: Uint8Array, at: number): number {
  for (const sign of text) {
    const point = sign.codePointAt(0)!
    if (point < 0x80) bytes[at++] = point
    else if (point < 0x800) {
      bytes[at++] = 0xc0 | (point >> 6)
      bytes[at++] = 0x80 | (point & 0x3f)
    } else if (point < 0x10000) {
      bytes[at++] = 0xe0 | (point >> 12)
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f)
      bytes[at++] = 0x80 | (point & 0x3f)
    } else {
      bytes[at++] = 0xf0 | (point >> 18)
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f)
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f)
      bytes[at++] = 0x80 | (point & 0x3f)
    }
  }
  return at
}

/** Protocol 0's text: Latin-1 with `\uXXXX` and `\UXXXXXXXX`; undefined where such a sign is none. */
export function readEscapedText(line: string): string | undefined {
  if (!line.includes('\\')) return line
  let wrong = false
  // a backslash before another one stands for itself, and so does the other one
  const text = line.replace(/\\(?:u(.{0,4})|U(.{0,8})|[^uU]|$)/gs, (all, short?: string, long?: string) => {
    const digits = short ?? long
    if (digits === undefined) return all
    const point = /^[0-9a-f]+$/i.test(digits) ? Number.parseInt(digits, 16) : Number.NaN
    if (digits.length === (short === undefined ? 8 : 4) && point <= 0x10ffff) return String.fromCodePoint(point)
    wrong = true
    return ''
  })
  return wrong ? undefined : text
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

/** Python 2's `repr` of a str, as in `'it\x27s'`; undefined where it is none. */
export function readQuoted(line: string): string | undefined {
  const quoted = /^(['"])(.*)\1$/s.exec(line.trim())
  if (quoted === null) return undefined
  let wrong = false
  const text = quoted[2].replace(
    /\\(?:x([0-9a-f]{2})|([0-7]{1,3})|(.|$))/gis,
    (all, hex?: string, octal?: string, sign?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff)
      wrong ||= sign === '' || sign === 'x'
      return ESCAPES[sign!] ?? all
    },
  )
  return wrong ? undefined : text
}

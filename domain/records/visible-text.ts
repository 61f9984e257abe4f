const invisible = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u
const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text without anything that a terminal would obey: control characters are written out. */
export function visible(text: string): string {
  return Array.from(text, visibleCharacter).join('')
}

function visibleCharacter(character: string): string {
  if (!invisible.test(character)) return character
  const code = (character.codePointAt(0) ?? 0).toString(16)
  return short[character] ?? (code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`)
}

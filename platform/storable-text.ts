/** Text as PostgreSQL takes it: it knows neither the character NUL nor half a surrogate pair. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed()
}

/** JSON as PostgreSQL takes it, keys included. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'string' ? storableText(one) : one,
  )
  return json.replaceAll(/\\u0000/g, '\ufffd')
}

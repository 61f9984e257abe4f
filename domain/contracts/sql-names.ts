/** A column of a select list, or a common table expression, and the SQL that it is made from. */
export interface Expression {
  readonly name: string
  readonly sql: string
}

/** Whether a column or table of one of these names stands in the SQL, outside texts and comments. */
export function isNamed(sql: string, names: ReadonlySet<string>): boolean {
  const words = withoutComments(sql).matchAll(/(?<!')\b[a-z_][a-z0-9_]*\b(?!')/g)
  return [...words].some(([word]) => names.has(word))
}

/** The names, and those of expressions that name one of them, until there are no more. */
export function grow(names: ReadonlySet<string>, expressions: readonly Expression[]): Set<string> {
  const grown = new Set(names)
  for (let before = -1; before < grown.size;) {
    before = grown.size
    for (const { name, sql } of expressions) if (isNamed(sql, grown)) grown.add(name)
  }
  return grown
}

export function withoutComments(sql: string): string {
  return sql.replaceAll(/--.*$/gm, '')
}

/** Every `<expression> as <column>` of a model's select lists. */
export function columnExpressions(sql: string): Expression[] {
  const text = withoutComments(sql)
  return [...text.matchAll(/\bas\s+([a-z_][a-z0-9_]*)\b(?!\s*[.(])/g)].flatMap((match) => {
    const [, name = ''] = match
    const expression = text.slice(startOfItem(text, match.index), match.index)
    return /\b(?:from|join|with)\b/.test(expression) ? [] : [{ name, sql: expression }]
  })
}

/** After the comma, bracket or `select` that stands before an expression. */
function startOfItem(text: string, end: number): number {
  let depth = 0
  for (let place = end - 1; place >= 0; place -= 1) {
    const character = text[place]
    if (character === ')') depth += 1
    if (character === '(') depth -= 1
    const isSelect = character === 's' && text.startsWith('select', place)
    if (depth < 0 || (depth === 0 && (character === ',' || isSelect))) return place + 1
  }
  return 0
}

/**
 * The common table expressions of a model that aggregates: which rows it has, and so every column that
 * it computes, follow from its `from`, `where` and `group by`. Grouping sets only split the figures.
 */
export function rowExpressions(sql: string): Expression[] {
  const tables = withoutComments(sql).matchAll(/^([a-z_]+) as (?:materialized )?\($(.*?)^\)/gms)
  return [...tables].flatMap(([, name = '', body = '']) =>
    body.split(/^ {4}union all$/m).flatMap((select) => {
      const from = select.slice(select.search(/^ {4}from\b/m))
      const sql = from.replace(/group by grouping sets.*/s, '')
      return [{ name, sql }, ...columnExpressions(select).map((column) => ({ ...column, sql }))]
    }),
  )
}

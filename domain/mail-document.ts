/** What a mail says, once: the text part and the HTML part are both made from it. */
export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'table'; columns: readonly string[]; rows: readonly (readonly string[])[] }

export interface MailContent {
  readonly subject: string
  readonly text: string
  readonly html: string
}

export function composeMail(subject: string, blocks: readonly Block[]): MailContent {
  return {
    subject: toOneLine(subject),
    text: `${blocks.map(renderText).join('\n\n')}\n`,
    html: renderHtml(subject, blocks),
  }
}

/** Shows line breaks and other control characters as blanks, so that no value starts a new line. */
export function toOneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

function renderText(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `${toOneLine(block.text)}\n${'='.repeat(toOneLine(block.text).length)}`
    case 'paragraph':
      return toOneLine(block.text)
    case 'table':
      return renderTextTable([block.columns, ...block.rows])
  }
}

function renderTextTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(toOneLine))
  const widths = cells.reduce<number[]>(
    (widest, row) => row.map((cell, index) => Math.max(cell.length, widest[index] ?? 0)),
    [],
  )
  return cells
    .map((row) => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n')
}

const cellStyle = 'padding:4px 12px 4px 0;text-align:left;border-bottom:1px solid #ddd'

function renderHtml(subject: string, blocks: readonly Block[]): string {
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><title>${inHtml(subject)}</title></head>`,
    '<body style="font-family:system-ui,sans-serif;font-size:14px;color:#222">',
    ...blocks.map(renderHtmlBlock),
    '</body></html>',
    '',
  ].join('\n')
}

function renderHtmlBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h2 style="font-size:16px">${inHtml(block.text)}</h2>`
    case 'paragraph':
      return `<p>${inHtml(block.text)}</p>`
    case 'table':
      return [
        '<table style="border-collapse:collapse">',
        `<tr>${block.columns.map((cell) => renderCell('th', cell)).join('')}</tr>`,
        ...block.rows.map(
          (row) => `<tr>${row.map((cell) => renderCell('td', cell)).join('')}</tr>`,
        ),
        '</table>',
      ].join('\n')
  }
}

function renderCell(tag: 'th' | 'td', text: string): string {
  return `<${tag} style="${cellStyle}">${inHtml(text)}</${tag}>`
}

function inHtml(text: string): string {
  return escapeHtml(toOneLine(text))
}

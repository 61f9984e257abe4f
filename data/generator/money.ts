// Money is whole thousandths in memory and decimal text outside: real prices have three decimals.

export function decimalText(thousandths: number): string {
  if (!Number.isSafeInteger(thousandths)) {
    throw new RangeError(`${thousandths} thousandths are beyond exact whole numbers`)
  }
  const sign = thousandths < 0 ? '-' : ''
  const digits = String(Math.abs(thousandths)).padStart(4, '0')
  return `${sign}${digits.slice(0, -3)}.${digits.slice(-3)}`
}

export function thousandthsOf(decimal: string): number {
  return Number(decimal.replace('.', ''))
}

/** As a shop writes it: two decimals unless the third matters. */
export function priceText(thousandths: number): string {
  const text = decimalText(thousandths)
  return text.endsWith('0') ? text.slice(0, -1) : text
}

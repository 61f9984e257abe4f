import type { Faker } from '@faker-js/faker'
import { faker as german } from '@faker-js/faker/locale/de'
import { faker as english } from '@faker-js/faker/locale/en'
import { faker as french } from '@faker-js/faker/locale/fr'

export interface Name {
  readonly text: string
  /** The name as a mail address spells it. */
  readonly slug: string
}

export interface NamePool {
  readonly first: readonly Name[]
  readonly last: readonly Name[]
  readonly adjectives: readonly string[]
  readonly materials: readonly string[]
}

const namesPerLanguage = 150
const needsEscape = /["\\\p{Cc}]/u

/** Faker is slow (microseconds a name), so a pool is drawn once and customers combine its names. */
export function drawNames(seed: number): NamePool {
  const languages = [english, german, french]
  for (const language of languages) language.seed(seed)
  const many = (draw: (language: Faker) => string) =>
    languages.flatMap((language) => distinct(namesPerLanguage, () => draw(language)))
  return {
    first: many((language) => language.person.firstName()).map(named),
    last: many((language) => language.person.lastName()).map(named),
    adjectives: distinct(40, () => english.commerce.productAdjective()),
    materials: distinct(40, () => english.commerce.productMaterial()),
  }
}

function distinct(count: number, draw: () => string): string[] {
  const drawn = Array.from({ length: count }, draw).filter((text) => !needsEscape.test(text))
  return [...new Set(drawn)]
}

function named(text: string): Name {
  const plain = text.normalize('NFD').toLowerCase().replaceAll('ß', 'ss')
  return { text, slug: plain.replaceAll(/[^a-z]/g, '') }
}

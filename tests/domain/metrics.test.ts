import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { metricFamilies, metricNamed, metrics } from '../../domain/metrics.ts'

test('metric ids are unique', () => {
  expect(new Set(metrics.map((metric) => metric.id)).size).toBe(metrics.length)
})

test.each(metricFamilies)(
  'sql/metrics/%s.sql computes the metrics of its family and no other',
  async (family) => {
    const sql = await readFile(new URL(`../../sql/metrics/${family}.sql`, import.meta.url), 'utf8')
    for (const metric of metrics) {
      expect([metric.id, sql.includes(`'${metric.id}'`)]).toEqual([
        metric.id,
        metric.family === family,
      ])
    }
  },
)

test('an unknown metric says where to list it', () => {
  expect(metricNamed('gross_revenue').unit).toBe('currency')
  expect(() => metricNamed('profit')).toThrow('No metric profit; list it in domain/metrics.ts')
})

import type { Transaction } from './database.ts'
import {
  comparedColumns,
  digestRows,
  type ComparedTable,
  type TableDigest,
} from './table-digests.ts'

/** A value as PostgreSQL writes it, exact also where a number of JavaScript would not be. */
type Value = string | null

export interface RowDifference {
  readonly key: Readonly<Record<string, Value>>
  readonly found: 'in both' | 'only published' | 'only rebuilt'
  /** Columns whose values differ; null stands for no row. */
  readonly columns: readonly {
    readonly column: string
    readonly published: Value
    readonly rebuilt: Value
  }[]
}

export interface TableComparison {
  readonly table: string
  readonly published: TableDigest
  readonly rebuilt: TableDigest
  readonly isEqual: boolean
  /** By their keys: a row of each side with one key is one. */
  readonly differingRows: number
  /** The first of them, ordered by key. */
  readonly samples: readonly RowDifference[]
}

/** The two sides of a comparison, each a select that has the columns of the published table. */
export interface Sides {
  readonly published: string
  readonly rebuilt: string
}

/** Compares by digests, and only where those differ row by row; no more than `samples` rows are read. */
export async function compareTable(
  transaction: Transaction,
  compared: ComparedTable,
  sides: Sides,
  samples: number,
): Promise<TableComparison> {
  const { table, leftOut } = compared
  const columns = await comparedColumns(transaction, `warehouse.${table}`, leftOut)
  const published = await digestRows(transaction, columns, sides.published)
  const rebuilt = await digestRows(transaction, columns, sides.rebuilt)
  const isEqual = published.rows === rebuilt.rows && published.digest === rebuilt.digest
  const found = isEqual ? [] : await findDifferences(transaction, compared, columns, sides, samples)
  return {
    ...{ table, published, rebuilt, isEqual },
    differingRows: found[0]?.differing_rows ?? 0,
    samples: found.map(({ differing_rows: _, ...difference }) => difference),
  }
}

async function findDifferences(
  transaction: Transaction,
  { key }: ComparedTable,
  columns: readonly string[],
  sides: Sides,
  samples: number,
) {
  const values = columns.filter((column) => !key.includes(column))
  const list = (alias: string) => columns.map((column) => `${alias}.${column}`).join(', ')
  const difference = (column: string) =>
    `case when published.${column} is distinct from rebuilt.${column} then jsonb_build_object(
      'column', '${column}', 'published', published.${column}::text, 'rebuilt', rebuilt.${column}::text) end`
  const keyParts = key.map((column) => `'${column}', ${column}::text`).join(', ')
  const { rows } = await transaction.query<RowDifference & { differing_rows: number }>(
    `select json_build_object(${keyParts}) as key,
       case when rebuilt.is_there is null then 'only published'
         when published.is_there is null then 'only rebuilt' else 'in both' end as found,
       array_remove(array[${values.map(difference).join(', ')}]::jsonb[], null) as columns,
       count(*) over () as differing_rows
     from (select true as is_there, * from (${sides.published}) as rows) as published
     full join (select true as is_there, * from (${sides.rebuilt}) as rows) as rebuilt
       using (${key.join(', ')})
     where published.is_there is null or rebuilt.is_there is null
       or (${list('published')}) is distinct from (${list('rebuilt')})
     order by ${key.join(', ')}
     limit $1`,
    [samples],
  )
  return rows
}

import type { Contract } from './contract.ts'
import { familyColumns, familyKey, lineageColumns } from './families.ts'

export function rawTable(contract: Contract): string {
  return `raw.${contract.source}`
}

export function stagingTable(contract: Contract): string {
  return `staging.${contract.source}_clean`
}

export function stagingColumns(contract: Contract): string[] {
  return [...Object.keys(familyColumns[contract.family]), ...Object.keys(lineageColumns)]
}

/** DDL of a source's raw and staging tables, safe to run again; both have a partition a load date. */
export function sourceTables(contract: Contract): string {
  const columns = { ...familyColumns[contract.family], ...lineageColumns }
  const staging = stagingTable(contract)
  return `
create table if not exists ${rawTable(contract)} (
    load_date date not null,
    file_id bigint not null,
    record_no integer not null,
    record text not null,
    fields text[],
    problem text
) partition by range (load_date);
create table if not exists ${staging} (
    ${Object.entries(columns)
      .map(([name, type]) => `${name} ${type}`)
      .join(',\n    ')}
) partition by range (load_date);
create index if not exists ${contract.source}_clean_by_key on ${staging} (${familyKey[contract.family]});`
}

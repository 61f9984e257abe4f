import type { Contract } from './contract.ts'

/**
 * Order lines of the UCI "Online Retail" data set (Chen 2015, DOI 10.24432/C5BW33). Every line has a
 * place: sales, cancelling invoices (status cancelled, negative quantity), stock corrections, postage
 * and fee codes, free items. Times are local to the shop.
 */
export function onlineRetailContract(): Contract {
  return {
    source: 'online_retail',
    version: '1.0.0',
    shopId: 'online_retail',
    timeZone: 'Europe/London',
    format: 'csv',
    family: 'order_lines',
    severity: 'critical',
    recordKey: [],
    columns: [
      { name: 'order_id', from: 'InvoiceNo', type: 'text', required: true, isKey: true },
      {
        // 85123A and 85123a are one product that clerks typed in two ways.
        name: 'product_id',
        from: 'StockCode',
        type: 'text',
        required: true,
        isKey: true,
        tidy: (text) => `upper(trim(${text}))`,
      },
      {
        name: 'product_name',
        from: 'Description',
        type: 'text',
        tidy: (text) => `nullif(trim(${text}), '')`,
      },
      { name: 'quantity', from: 'Quantity', type: 'integer', required: true },
      {
        name: 'order_ts',
        from: 'InvoiceDate',
        type: 'timestamp',
        required: true,
        notFuture: true,
        maxAgeDays: 35,
      },
      { name: 'unit_price', from: 'UnitPrice', type: 'money', required: true },
      {
        name: 'user_id',
        from: 'CustomerID',
        type: 'text',
        isKey: true,
        tidy: (text) => `regexp_replace(${text}, '\\.0$', '')`,
      },
      { name: 'customer_country', from: 'Country', type: 'text', isSegment: true },
    ],
    derived: {
      vendor_id: "'ONLINE_RETAIL'",
      currency: "'GBP'",
      status: "case when order_id like 'C%' then 'cancelled' else 'paid' end",
      line_type: lineTypeSql,
      order_date: "(order_ts at time zone 'Europe/London')::date",
      line_no: `(row_number() over (partition by order_id order by ${filePath}, record_no))::integer`,
      is_exact_copy: `row_number() over (partition by order_id, product_id, product_name, quantity,
        order_ts, unit_price, user_id, customer_country order by ${filePath}, record_no) > 1`,
      channel: 'null::text',
      region: 'null::text',
      discount_code: 'null::text',
      customer_name: 'null::text',
      customer_email: 'null::text',
    },
  }
}

/** Files of a day count in the order of their names, whichever was delivered again last. */
const filePath =
  '(select file.path from audit.source_files as file where file.file_id = completed.file_id)'

const lineTypeSql = `case
    when product_id in ('POST', 'DOT', 'C2') then 'postage'
    when product_id in ('BANK CHARGES', 'AMAZONFEE', 'CRUK') then 'fee'
    when product_id = 'D' then 'discount'
    when product_id = 'S' then 'sample'
    when product_id in ('M', 'B', 'ADJUST', 'ADJUST2') then 'manual'
    when product_id like 'GIFT\\_%' then 'voucher'
    when quantity < 0 and unit_price = 0 and order_id not like 'C%' then 'stock_correction'
    when unit_price = 0 and user_id is null then 'stock_correction'
    when unit_price = 0 then 'sample'
    else 'product'
  end`

/**
 * A module for Skyhaul that keeps some rows of a CSV and adds a column to them, what the step `csv` alone cannot do. Columns
 * `name`, `price` and `amount` are expected; the option `least` is the smallest total that is kept.
 */
import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import type { TransformContext } from 'skyhaul';

interface Sale {
  readonly name: string;
  readonly price: string;
  readonly amount: string;
}

const BLOCK_CHARACTERS = 64 * 1024;

export default async function* filterCsv(
  input: AsyncIterable<Uint8Array>,
  { options, log, signal }: TransformContext,
): AsyncGenerator<Uint8Array> {
  const { least = 0 } = options;
  const parser = parse({ columns: true, bom: true, record_delimiter: ['\r\n', '\n', '\r'] });
  const rows: AsyncIterable<Sale> = Readable.from(input, { signal }).compose(parser);
  let kept = 0;
  // One chunk a row would be slow.
  let block = 'name,total\n';
  for await (const { name, price, amount } of rows) {
    const total = Number(price) * Number(amount);
    // What is thrown is the `message` of the outcome, and no object is stored.
    if (Number.isNaN(total)) throw new Error(`no numbers in the row of ${name}: ${price}, ${amount}`);
    if (total < Number(least)) continue;
    kept += 1;
    block += `${quoted(name)},${total}\n`;
    if (block.length < BLOCK_CHARACTERS) continue;
    yield Buffer.from(block);
    block = '';
  }
  yield Buffer.from(block);
  log(`${kept} rows kept`);
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

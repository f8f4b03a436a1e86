import { once } from 'node:events';
import { createWriteStream, existsSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The input of the row benches: the same made-up orders as CSV and as JSON Lines, always the same bytes. Kept in the
 * temporary folder and used again. About one row in fifteen passes the filters of the bench; one in ten has quotes.
 */
export interface RowsInput {
  readonly path: string;
  readonly bytes: number;
}

const COUNTRIES = ['DE', 'AT', 'CH', 'FR', 'US', 'GB', 'PL', 'ES', 'IT', 'NL', 'SE', 'DK'];
const BATCH_ROWS = 2_000;
const MIB = 1024 * 1024;

/** @param mebibytes the file has at least so many, and not much more */
export async function rowsInput(format: 'csv' | 'jsonl', mebibytes: number): Promise<RowsInput> {
  const path = join(tmpdir(), `skyhaul-bench-rows-${mebibytes}.${format}`);
  if (!existsSync(path)) await write(path, format, mebibytes * MIB);
  return { path, bytes: statSync(path).size };
}

async function write(path: string, format: 'csv' | 'jsonl', bytes: number): Promise<void> {
  const file = createWriteStream(`${path}.new`);
  let written = 0;
  if (format === 'csv') file.write('id,country,amount,name,note,created,status\n');
  for (let id = 1; written < bytes; ) {
    let text = '';
    for (let row = 0; row < BATCH_ROWS; row += 1, id += 1) text += format === 'csv' ? csvRow(id) : jsonRow(id);
    written += text.length;
    if (!file.write(text)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
  renameSync(`${path}.new`, path);
}

function order(id: number) {
  const mixed = Math.imul(id, 0x9e3779b1) >>> 0;
  return {
    id,
    country: COUNTRIES[mixed % COUNTRIES.length] ?? 'DE',
    amount: (mixed % 100_000) / 100,
    name: `Customer ${mixed.toString(36)}`,
    note: mixed % 10 === 0 ? 'left at the door, "ring twice"' : 'left at the neighbours',
    created: new Date(1_700_000_000_000 + (mixed % 10_000_000) * 1_000).toISOString(),
    status: mixed % 3 === 0 ? 'open' : 'shipped',
  };
}

function csvRow(id: number): string {
  const { country, amount, name, note, created, status } = order(id);
  const quoted = note.includes('"') ? `"${note.replaceAll('"', '""')}"` : note;
  return `${id},${country},${amount},${name},${quoted},${created},${status}\n`;
}

function jsonRow(id: number): string {
  const { name, ...rest } = order(id);
  return `${JSON.stringify({ ...rest, customer: { name } })}\n`;
}

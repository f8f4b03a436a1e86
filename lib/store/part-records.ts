/**
 * The parts of an open local upload. Equal parts, the usual case, go straight to their offset in one file, which the
 * commit then only renames: every byte is written once. The grid is the size of the part that came first; a part that
 * does not fit its cell, or whose cell somebody else has claimed, gets a file of its own and is copied at the commit. A
 * claim ends only with a writer that failed and has stopped; so cells are never written by two, nor over a part that was
 * taken, whatever order and sizes come. A part counts when its record does, and the record is written after the bytes
 * are on disk.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { crc32Hex } from './crc32.ts';
import { withFileLock } from './file-lock.ts';
import { codeOf, unlessMissing } from './local-errors.ts';
import { NOFOLLOW } from './local-root.ts';
import { parseJson } from './local-sidecar.ts';
import type { StoredPart } from './object-store.ts';

export const DATA_FILE = 'data';

const partRecord = z.object({ bytes: z.int(), crc32: z.int(), file: z.string(), offset: z.int().min(0) });
export type PartRecord = z.infer<typeof partRecord>;

/** Every byte of the object in order is already in the data file. */
export function isInPlace(records: readonly PartRecord[]): boolean {
  let offset = 0;
  for (const record of records) {
    if (record.file !== DATA_FILE || record.offset !== offset) return false;
    offset += record.bytes;
  }
  return true;
}

/** Writes the bytes of a part from `offset` on, and answers with their CRC32. */
export type FillPart = (handle: FileHandle, offset: number) => Promise<number>;

/** When `fill` throws, there is no such part, or the earlier one still is. */
export async function storePart(
  folder: string,
  number: number,
  bytes: number,
  now: () => number,
  fill: FillPart,
): Promise<StoredPart> {
  const cellBytes = await fixGrid(folder, bytes, now);
  const inCell = bytes <= cellBytes && (await claimCell(folder, number));
  const [file, offset] = inCell ? [DATA_FILE, (number - 1) * cellBytes] : [`${number}-${randomUUID()}.part`, 0];
  let crc32: number;
  try {
    crc32 = await writePart(join(folder, file), offset, fill);
  } catch (error) {
    await rm(inCell ? claimPath(folder, number) : join(folder, file), { force: true });
    throw error;
  }
  await writeRecord(folder, number, { bytes, crc32, file, offset });
  return describePart(number, bytes, crc32);
}

async function writePart(path: string, offset: number, fill: FillPart): Promise<number> {
  // Two first parts may come at once: both open the data file, neither empties it.
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | NOFOLLOW, 0o666);
  try {
    const crc32 = await fill(handle, offset);
    await handle.datasync();
    return crc32;
  } finally {
    await handle.close();
  }
}

/** The same bytes have the same ETag, whoever wrote them. */
function describePart(number: number, bytes: number, crc32: number): StoredPart {
  return { number, bytes, crc32, etag: `${crc32Hex(crc32)}-${bytes}` };
}

/** By number. A part without its bytes is none: who was killed at the commit had taken the data file out already. */
export async function listRecords(folder: string): Promise<StoredPart[]> {
  const parts: StoredPart[] = [];
  const endOf = new Map<string, number>();
  for (const name of await readdir(folder)) {
    const number = Number(/^(\d+)\.json$/.exec(name)?.[1]);
    const record = Number.isNaN(number) ? undefined : await readRecord(folder, number);
    if (record === undefined) continue;
    const { bytes, crc32, file, offset } = record;
    if (!endOf.has(file)) endOf.set(file, (await unlessMissing(stat(join(folder, file))))?.size ?? 0);
    if (offset + bytes <= (endOf.get(file) ?? 0)) parts.push(describePart(number, bytes, crc32));
  }
  return parts.sort((one, other) => one.number - other.number);
}

/** `undefined` for a part that was never finished. */
export async function readRecord(folder: string, number: number): Promise<PartRecord | undefined> {
  const text = await unlessMissing(readFile(recordPath(folder, number), 'utf8'));
  return text === undefined ? undefined : partRecord.safeParse(parseJson(text)).data;
}

/** Size of a cell: fixed by whichever part comes first, in whichever process. */
async function fixGrid(folder: string, bytes: number, now: () => number): Promise<number> {
  const file = join(folder, 'grid');
  const read = async () => {
    const text = await unlessMissing(readFile(file, 'utf8'));
    return text === undefined ? undefined : Number(text);
  };
  const fixed = await read();
  if (fixed !== undefined) return fixed;
  return withFileLock(`${file}.lock`, now, async () => {
    const meanwhile = await read();
    if (meanwhile !== undefined) return meanwhile;
    await writeWhole(folder, file, String(bytes));
    return bytes;
  });
}

/** A cell whose writer died or is still at it is never written by another one. */
async function claimCell(folder: string, number: number): Promise<boolean> {
  try {
    await (await open(claimPath(folder, number), 'wx', 0o600)).close();
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function writeRecord(folder: string, number: number, record: PartRecord): Promise<void> {
  await writeWhole(folder, recordPath(folder, number), JSON.stringify(record));
}

async function writeWhole(folder: string, path: string, text: string): Promise<void> {
  const temporary = join(folder, `${randomUUID()}.tmp`);
  try {
    await writeFile(temporary, text, { flag: 'wx', mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function claimPath(folder: string, number: number): string {
  return join(folder, `${number}.claim`);
}

function recordPath(folder: string, number: number): string {
  return join(folder, `${number}.json`);
}

/**
 * The parts of an open local upload. Equal parts, the usual case, go straight to their offset in one file, which the
 * commit then only renames: every byte is written once. The grid is the size of the part that came first; a part that
 * does not fit its cell, or whose cell somebody else began before, gets a file of its own and is copied at the commit.
 * Thus a cell is written once, and cells never overlap, whatever order and sizes come. A part counts when its record
 * does, and the record is written after the bytes are on disk.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { crc32Hex } from './crc32.ts';
import { withFileLock } from './file-lock.ts';
import { codeOf, unlessMissing } from './local-errors.ts';
import { NOFOLLOW } from './local-root.ts';
import { parseJson } from './local-sidecar.ts';
import { writeAt } from './local-write.ts';
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

export async function storePart(
  folder: string,
  number: number,
  bytes: Uint8Array,
  crc32: number,
  now: () => number,
): Promise<StoredPart> {
  const cellBytes = await fixGrid(folder, bytes.length, now);
  const inCell = bytes.length <= cellBytes && (await claimCell(folder, number));
  const record: PartRecord = inCell
    ? { bytes: bytes.length, crc32, file: DATA_FILE, offset: (number - 1) * cellBytes }
    : { bytes: bytes.length, crc32, file: `${number}-${randomUUID()}.part`, offset: 0 };
  // Two first parts may come at once: both open the data file, neither empties it.
  const flags = constants.O_RDWR | constants.O_CREAT | NOFOLLOW;
  const handle = await open(join(folder, record.file), flags, 0o666);
  try {
    await writeAt(handle, bytes, record.offset);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await writeRecord(folder, number, record);
  // The same bytes have the same ETag, whoever wrote them.
  return { number, bytes: bytes.length, crc32, etag: `${crc32Hex(crc32)}-${bytes.length}` };
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

/** True once per part number. A cell whose writer died or is still at it is never written by another one. */
async function claimCell(folder: string, number: number): Promise<boolean> {
  try {
    await (await open(recordPath(folder, number), 'wx', 0o600)).close();
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

function recordPath(folder: string, number: number): string {
  return join(folder, `${number}.json`);
}

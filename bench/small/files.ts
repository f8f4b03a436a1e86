import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** The files of the race, 1 to 100 KB of random bytes each, and whether what somebody made of them is just these. */
export interface Files {
  readonly names: readonly string[];
  readonly bytes: number;
  /** How often there is a file of such content. */
  readonly contents: ReadonlyMap<string, number>;
}

const LEAST_BYTES = 1_000;
const MOST_BYTES = 100_000;
/** Every size is met, in an order that is the same each time and mixes large with small. */
const STEP = 7_919;

export async function makeFiles(folder: string, count: number): Promise<Files> {
  await mkdir(folder, { recursive: true });
  const names: string[] = [];
  const contents = new Map<string, number>();
  let sum = 0;
  for (let number = 0; number < count; number += 1) {
    const name = `${String(number).padStart(6, '0')}.bin`;
    const bytes = randomBytes(LEAST_BYTES + ((number * STEP) % (MOST_BYTES - LEAST_BYTES + 1)));
    await writeFile(join(folder, name), bytes);
    names.push(name);
    sum += bytes.length;
    count1(contents, contentOf(bytes));
  }
  return { names, bytes: sum, contents };
}

/**
 * Throws unless the folder holds exactly these contents, whatever their names. Files beside them (reports, state,
 * temporary ones) are those that `isOther` knows.
 */
export async function checkFiles(folder: string, files: Files, isOther: (path: string) => boolean): Promise<void> {
  const left = new Map(files.contents);
  let found = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || isOther(path.slice(folder.length + 1))) continue;
    const content = contentOf(await readFile(path));
    const copies = left.get(content) ?? 0;
    if (copies === 0) throw new Error(`${path} is none of the files, or too often there`);
    left.set(content, copies - 1);
    found += 1;
  }
  if (found !== files.names.length) throw new Error(`${found} of ${files.names.length} files are in ${folder}`);
}

function contentOf(bytes: Uint8Array): string {
  return `${bytes.length}-${crc32(bytes)}`;
}

function count1(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

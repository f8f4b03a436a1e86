import { crc32 } from 'node:zlib';
import type { ObjectStore, PutOptions } from '../store/object-store.ts';

/**
 * Run state as JSON and JSON Lines. These are our own documents: what does not parse is a bug or a damaged store, and is
 * thrown as it comes.
 */

const encoder = new TextEncoder();

export function encodeLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** Writes a whole object of run state. */
export async function putText(store: ObjectStore, key: string, text: string, options: PutOptions) {
  const bytes = encoder.encode(text);
  return store.put(key, bytes, { ...options, crc32: crc32(bytes) });
}

export async function putJson(store: ObjectStore, key: string, value: unknown, options: PutOptions) {
  return putText(store, key, encodeLine(value), { contentType: 'application/json', ...options });
}

/** Writes lines as they come, never holding them all. */
export async function putLines(
  store: ObjectStore,
  key: string,
  lines: AsyncIterable<string> | Iterable<string>,
  options: PutOptions,
) {
  await store.putStream(key, inBlocks(lines), { contentType: 'application/x-ndjson', ...options });
}

const BLOCK_CHARACTERS = 256 * 1024;

/** One write per line would cost a system call each. */
async function* inBlocks(lines: AsyncIterable<string> | Iterable<string>): AsyncIterable<Uint8Array> {
  let block = '';
  for await (const line of lines) {
    block += line;
    if (block.length < BLOCK_CHARACTERS) continue;
    yield encoder.encode(block);
    block = '';
  }
  if (block !== '') yield encoder.encode(block);
}

/** `undefined` where nothing lies. */
export async function getText(store: ObjectStore, key: string): Promise<{ text: string; etag: string } | undefined> {
  const found = await store.get(key);
  if (!found) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of found.body) chunks.push(Uint8Array.from(chunk));
  return { text: Buffer.concat(chunks).toString('utf8'), etag: found.object.etag };
}

export async function getJson(store: ObjectStore, key: string): Promise<unknown> {
  const found = await getText(store, key);
  return found ? JSON.parse(found.text) : undefined;
}

/** The values of a JSON Lines object, one after another; nothing where no object lies. */
export async function* getLines(store: ObjectStore, key: string): AsyncIterable<unknown> {
  for await (const text of getLineTexts(store, key)) yield JSON.parse(text);
}

/** Whether a line that begins there is to be read at all; asked of most lines, not of all. */
export type IsWanted = (bytes: Buffer, start: number) => boolean;

/** The same as they stand there, for whoever hands some of them on without a look into them. */
export async function* getLineTexts(store: ObjectStore, key: string, isWanted?: IsWanted): AsyncIterable<string> {
  const found = await store.get(key);
  if (!found) return;
  for await (const line of linesOf(found.body, isWanted)) if (line !== '') yield line;
}

const LINE_FEED = 0x0a;

/** Only a line feed ends a line: JSON leaves U+2028 as it is, where `node:readline` would cut. */
async function* linesOf(body: AsyncIterable<Uint8Array>, isWanted: IsWanted = () => true): AsyncIterable<string> {
  let rest: Buffer[] = [];
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      if (rest.length > 0) yield Buffer.concat([...rest, bytes.subarray(start, end)]).toString('utf8');
      else if (isWanted(bytes, start)) yield bytes.toString('utf8', start, end);
      rest = [];
      start = end + 1;
    }
    // A copy: the chunk is the reader's own only until it asks for the next one.
    if (start < bytes.length) rest.push(Buffer.from(bytes.subarray(start)));
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString('utf8');
}

import { createHash } from 'node:crypto';
import type { ManifestSpec } from '../lib/contract/batch-input.ts';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { readPattern } from '../lib/manifest/expand-pattern.ts';
import { guessFormat } from '../lib/manifest/guess-format.ts';
import { formatOf } from '../lib/manifest/manifest-format.ts';
import { packingOf } from '../lib/manifest/unpack-list.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';

/**
 * Standard input can be read once, arguments are gone with the process, and files lie where no Lambda gets at them: such
 * lists are written into the run's state before anything starts, and a continued run finds its list there. The copy is
 * sealed, for it may hold credentials.
 */
const HEAD_BYTES = 64 * 1024;
const EXTENSIONS = { gzip: '.gz', zstd: '.zst' } as const;

/** Returns the manifest to run. `name`: of a file, for its format. Throws RunInputDiffers when the run has another list already, and what `store` throws. */
export async function spoolStream(
  state: ObjectStore,
  run: string,
  input: AsyncIterable<Uint8Array>,
  reading: Pick<ManifestSpec, 'format' | 'urlColumn' | 'keyColumn' | 'expand'>,
  name?: string,
): Promise<ManifestSpec> {
  const { head, rest } = await takeHead(input);
  const packing = packingOf(head);
  const known = reading.format ?? (name === undefined ? undefined : formatOf(name));
  // What is packed shows its format to whoever unpacks it.
  const format = known ?? (packing ? undefined : guessFormat(head));
  const key = `runs/${run}/manifest${format ? `.${format}` : ''}${packing ? EXTENSIONS[packing] : ''}`;
  await spool(state, run, key, rest);
  return { ...reading, ...(format && { format }), uri: state.uriOf(key) };
}

/**
 * URLs become JSON Lines: there no character of a URL can mean anything else. Patterns among them stay what they are, in a
 * text list, however many URLs they make. Throws BatchInvalid for a line end within a URL of such a list.
 */
export async function spoolUrls(
  state: ObjectStore,
  run: string,
  urls: readonly string[],
  expand = true,
): Promise<ManifestSpec> {
  const isText = expand && urls.some(isPattern);
  if (isText && urls.some((url) => /[\r\n]/.test(url))) {
    throw new SkyhaulError('BatchInvalid', 'a URL has a line end in it');
  }
  const format = isText ? 'txt' : 'jsonl';
  const key = `runs/${run}/manifest.${format}`;
  const text = urls.map((url) => `${isText ? url : JSON.stringify({ url })}\n`).join('');
  await spool(state, run, key, [new TextEncoder().encode(text)]);
  return { format, uri: state.uriOf(key) };
}

/** How many URLs the words of a command line are. */
export function countUrls(urls: readonly string[], expand = true): number {
  if (!expand) return urls.length;
  return urls.map((url) => patternOf(url)?.count ?? 1).reduce((sum, count) => sum + count, 0);
}

function isPattern(url: string): boolean {
  const read = readPattern(url);
  return 'problem' in read || read.pattern !== undefined;
}

/** What is wrong with a pattern, the list says in its line. */
function patternOf(url: string) {
  const read = readPattern(url);
  return 'problem' in read ? undefined : read.pattern;
}

type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

async function spool(state: ObjectStore, run: string, key: string, bytes: Bytes): Promise<void> {
  const stored = await state.get(key);
  if (stored) {
    if ((await digest(stored.body)) === (await digest(bytes))) return;
    throw new SkyhaulError('RunInputDiffers', `run ${run} was started with another list`);
  }
  await state.putStream(key, asAsync(bytes), { condition: { kind: 'absent' }, sealed: true });
}

async function digest(bytes: Bytes): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest('hex');
}

async function* asAsync(bytes: Bytes): AsyncIterable<Uint8Array> {
  yield* bytes;
}

/** The beginning of a stream, and the whole stream again. */
async function takeHead(input: AsyncIterable<Uint8Array>): Promise<{ head: Uint8Array; rest: Bytes }> {
  const iterator = input[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < HEAD_BYTES) {
    const next = await iterator.next();
    if (next.done) break;
    chunks.push(next.value);
    bytes += next.value.byteLength;
  }
  async function* rest(): AsyncIterable<Uint8Array> {
    yield* chunks;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { head: Buffer.concat(chunks), rest: rest() };
}

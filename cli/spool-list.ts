import { createHash } from 'node:crypto';
import type { ManifestSpec } from '../lib/contract/batch-input.ts';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { formatOf } from '../lib/manifest/manifest-format.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { guessFormat, isGzip } from './guess-format.ts';

/**
 * Standard input can be read once, arguments are gone with the process, and files lie where no Lambda gets at them: such
 * lists are written into the run's state before anything starts, and a continued run finds its list there. The copy is
 * sealed, for it may hold credentials.
 */
const HEAD_BYTES = 64 * 1024;

/** Returns the manifest to run. `name`: of a file, for its format. Throws RunInputDiffers when the run has another list already, and what `store` throws. */
export async function spoolStream(
  state: ObjectStore,
  run: string,
  input: AsyncIterable<Uint8Array>,
  reading: Pick<ManifestSpec, 'format' | 'urlColumn' | 'keyColumn'>,
  name?: string,
): Promise<ManifestSpec> {
  const { head, rest } = await takeHead(input);
  const gzip = isGzip(head);
  const known = reading.format ?? (name === undefined ? undefined : formatOf(name));
  if (gzip && known === undefined) {
    throw new SkyhaulError('BatchInvalid', 'standard input is gzip: say with --format what is inside');
  }
  const format = known ?? guessFormat(head);
  const key = `runs/${run}/manifest.${format}${gzip ? '.gz' : ''}`;
  await spool(state, run, key, rest);
  return { ...reading, format, uri: state.uriOf(key) };
}

/** URLs become JSON Lines: there no character of a URL can mean anything else. */
export async function spoolUrls(state: ObjectStore, run: string, urls: readonly string[]): Promise<ManifestSpec> {
  const key = `runs/${run}/manifest.jsonl`;
  const text = urls.map((url) => `${JSON.stringify({ url })}\n`).join('');
  await spool(state, run, key, [new TextEncoder().encode(text)]);
  return { format: 'jsonl', uri: state.uriOf(key) };
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

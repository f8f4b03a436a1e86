import { combineCrc32, crc32 } from '../../lib/store/crc32.ts';
import type { Condition, ObjectStore, Upload } from '../../lib/store/object-store.ts';

export function putBytes(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
  condition: Condition,
  options: { contentType?: string; metadata?: Record<string, string>; sealed?: boolean } = {},
) {
  return store.put(key, bytes, { crc32: crc32(bytes), condition, contentType: 'text/plain', ...options });
}

export function matching(etag: string): Condition {
  return { kind: 'matches', etag };
}

export async function sendPart(store: ObjectStore, upload: Upload, number: number, pieces: readonly Buffer[]) {
  const bytes = pieces[number - 1] ?? Buffer.alloc(0);
  return store.uploadPart(upload, number, bytes, crc32(bytes));
}

export function streamBytes(store: ObjectStore, upload: Upload, number: number, bytes: Buffer) {
  return store.streamPart(upload, number, bytes.length, reusing(bytes, 16_384));
}

/** The bytes in chunks that all lie in the same memory, as a source with a static read buffer makes them. */
export async function* reusing(bytes: Buffer, chunkBytes: number) {
  const memory = Buffer.alloc(chunkBytes);
  for (let sent = 0; sent < bytes.length; sent += chunkBytes) {
    const copied = bytes.copy(memory, 0, sent, sent + chunkBytes);
    yield memory.subarray(0, copied);
    memory.fill(0xdd);
  }
}

/** The smallest parts the store takes, and a shorter last one. */
export function cut(store: ObjectStore, count: number, lastBytes: number): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    randomBytes(index === count - 1 ? lastBytes : store.limits.minPartBytes, index),
  );
}

export function commitOf(pieces: readonly Buffer[], condition: Condition) {
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { bytes, crc32: pieces.reduce((crc, piece) => combineCrc32(crc, crc32(piece), piece.length), 0), condition };
}

/** The same bytes for the same seed: a failing test fails again. */
export function randomBytes(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed * 2_654_435_761 + 1;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

export async function readAll(body: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function keysOf(entries: AsyncIterable<{ readonly key: string }>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of entries) keys.push(key);
  return keys;
}

/** A stream of these texts. */
export async function* stream(texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text);
}

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/**
 * The bytes of a list as UTF-8 text: gzip is recognised by its content and unpacked, a byte order mark taken off. A list
 * in UTF-16 (Excel's "Unicode text") is refused, because every line of it would be called bad UTF-8 otherwise. The source
 * is closed however reading ends.
 */
export async function* textBytes(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = bytes[Symbol.asyncIterator]();
  let text = source;
  try {
    let head = await readHead(text);
    if (isGzip(head)) {
      text = gunzip(head, source);
      head = await readHead(text);
    }
    if (isUtf16(head)) throw new SkyhaulError('ManifestUnreadable', 'the list is UTF-16 text; save it as UTF-8');

    const body = head.subarray(hasBom(head) ? 3 : 0);
    if (body.length > 0) yield body;
    yield* withoutReturn(text);
  } finally {
    await text.return?.();
    await source.return?.();
  }
}

/** At least four bytes, where there are as many. */
async function readHead(source: AsyncIterator<Uint8Array>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < 4) {
    const next = await source.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

async function* gunzip(head: Buffer, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  async function* packed() {
    yield head;
    // Copies: the pipeline reads ahead, and a chunk is its sender's again once the next one is asked for.
    for await (const chunk of withoutReturn(rest)) yield Buffer.from(chunk);
  }
  const unzip = createGunzip();
  // When the source fails, pipeline destroys `unzip` with that error, so it is thrown below.
  const fed = Promise.allSettled([pipeline(Readable.from(packed(), { objectMode: false }), unzip)]);
  try {
    for await (const chunk of unzip) yield chunk as Uint8Array;
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw new SkyhaulError('ManifestUnreadable', 'the list is damaged gzip data, or the end is missing', {
      cause: error,
    });
  } finally {
    unzip.destroy();
    await fed;
  }
}

/** For an iterator that is closed elsewhere. */
function withoutReturn(iterator: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
}

/** RFC 1952 2.3.1 */
function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

function hasBom(head: Buffer): boolean {
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
}

function isUtf16(head: Buffer): boolean {
  return (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}

import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { FOREIGN_HEAD_BYTES, foreignList } from './foreign-list.ts';
import { packingOf, type UnpackLimits, unpackList } from './unpack-list.ts';

/**
 * The bytes of a list as UTF-8 text: gzip and zstd are recognised by their content and unpacked, a byte order mark taken
 * off. What is no list at all is refused as a whole. The source is closed however reading ends.
 *
 * @throws PackedDataError, SkyhaulError `ManifestUnreadable`
 */
export async function* textBytes(
  bytes: AsyncIterable<Uint8Array>,
  limits: UnpackLimits = {},
): AsyncGenerator<Uint8Array> {
  const source = bytes[Symbol.asyncIterator]();
  let text = source;
  try {
    let head = await readHead(text, FOREIGN_HEAD_BYTES);
    const packing = packingOf(head);
    if (packing) {
      text = unpackList(prepended(head, source), packing, limits);
      head = await readHead(text, FOREIGN_HEAD_BYTES);
    }
    const foreign = foreignList(head);
    if (foreign !== undefined) throw new SkyhaulError('ManifestUnreadable', `the list is ${foreign}`);

    const body = head.subarray(hasBom(head) ? 3 : 0);
    if (body.length > 0) yield body;
    yield* withoutReturn(text);
  } finally {
    await text.return?.();
    await source.return?.();
  }
}

/** The beginning of a text, up to its first line end, and the whole of it again. */
export async function peekLine(
  bytes: AsyncGenerator<Uint8Array>,
  maxBytes: number,
): Promise<{ readonly head: Uint8Array; readonly whole: AsyncGenerator<Uint8Array> }> {
  const head = await readHead(bytes, maxBytes, (chunk) => chunk.includes(0x0a) || chunk.includes(0x0d));
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head;
      yield* withoutReturn(bytes);
    } finally {
      await bytes.return(undefined);
    }
  }
  return { head, whole: whole() };
}

/** At least so many bytes, where there are as many, or up to a chunk that is enough. */
async function readHead(
  source: AsyncIterator<Uint8Array>,
  leastBytes: number,
  isEnough: (chunk: Uint8Array) => boolean = () => false,
): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < leastBytes) {
    const next = await source.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
    if (isEnough(next.value)) break;
  }
  return head;
}

async function* prepended(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* withoutReturn(rest);
}

/** For an iterator that is closed elsewhere. */
function withoutReturn(iterator: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
}

function hasBom(head: Buffer): boolean {
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
}

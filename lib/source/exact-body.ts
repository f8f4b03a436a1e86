import { SkyhaulError } from '../errors/skyhaul-error.ts';

/**
 * A body whose end its framing does not prove, held to a length that is known otherwise: it ends normally behind
 * exactly `bytes` bytes. Bytes beyond them are never handed on.
 */
export async function* exactBody(
  body: AsyncIterable<Uint8Array>,
  bytes: number,
  host: string,
): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of body) {
    left -= chunk.length;
    if (left < 0) throw new SkyhaulError('ProtocolError', `${host}: more bytes than its Content-Range`, { host });
    yield chunk;
  }
  if (left > 0) throw new SkyhaulError('ConnectionLost', `${host}: the range ended before its last byte`, { host });
}

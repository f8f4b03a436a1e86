import { constants } from 'node:http2';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

export interface StreamEnd {
  readonly host: string;
  /** Of RST_STREAM or GOAWAY, ours or the server's (RFC 9113 7). */
  readonly rstCode: number | undefined;
  readonly phase: 'headers' | 'body';
  /** As many bytes came as were announced. */
  readonly isFull?: boolean;
}

const { NGHTTP2_PROTOCOL_ERROR, NGHTTP2_COMPRESSION_ERROR, NGHTTP2_HTTP_1_1_REQUIRED } = constants;

/**
 * What the end of an HTTP/2 stream means that is not the end of its response. GOAWAY, REFUSED_STREAM and every reset are
 * a lost connection: the next try has another one, and goes on by Range where bytes had come. nghttp2 resets a body that
 * is shorter than its Content-Length as it does one that is longer, so both are asked for again.
 */
export function classifyStreamError(error: unknown, { host, rstCode, phase, isFull }: StreamEnd): SkyhaulError {
  if (error instanceof SkyhaulError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const wrap = (name: 'ProtocolError' | 'ConnectionLost', what: string) =>
    new SkyhaulError(name, `${host}: ${what}`, { host, cause: error });

  // What nghttp2 says of frames that are none.
  if (code === 'ERR_HTTP2_ERROR') return wrap('ProtocolError', 'the response breaks HTTP/2');
  if (rstCode === NGHTTP2_HTTP_1_1_REQUIRED) return wrap('ProtocolError', 'the host wants HTTP/1.1');
  const isBroken = rstCode === NGHTTP2_PROTOCOL_ERROR || rstCode === NGHTTP2_COMPRESSION_ERROR;
  if (isBroken && phase === 'headers') return wrap('ProtocolError', 'the response breaks HTTP/2');
  if (isBroken && isFull === true) return wrap('ProtocolError', 'more bytes than its Content-Length');
  return wrap('ConnectionLost', 'the stream ended before the response did');
}

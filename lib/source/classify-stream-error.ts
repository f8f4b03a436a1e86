import { constants } from 'node:http2';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

export interface StreamEnd {
  readonly host: string;
  /** Of RST_STREAM, ours or the server's (RFC 9113 7). */
  readonly rstCode: number | undefined;
  readonly phase: 'headers' | 'body';
}

const { NGHTTP2_PROTOCOL_ERROR, NGHTTP2_HTTP_1_1_REQUIRED } = constants;

/**
 * What the end of an HTTP/2 stream means that is not the end of its response. GOAWAY, REFUSED_STREAM and every reset are
 * a lost connection: the next try has another one, and goes on by Range where bytes had come. So is a body shorter than
 * its Content-Length, which nghttp2 resets; for a longer one it gives up the connection (ERR_HTTP2_ERROR).
 */
export function classifyStreamError(error: unknown, { host, rstCode, phase }: StreamEnd): SkyhaulError {
  if (error instanceof SkyhaulError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const wrap = (name: 'ProtocolError' | 'ConnectionLost', what: string) =>
    new SkyhaulError(name, `${host}: ${what}`, { host, cause: error });

  if (rstCode === NGHTTP2_HTTP_1_1_REQUIRED) return wrap('ProtocolError', 'the host wants HTTP/1.1');
  const isBroken = code === 'ERR_HTTP2_ERROR' || (phase === 'headers' && rstCode === NGHTTP2_PROTOCOL_ERROR);
  return isBroken
    ? wrap('ProtocolError', 'the response breaks HTTP/2')
    : wrap('ConnectionLost', 'the stream ended before the response did');
}

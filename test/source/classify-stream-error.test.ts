import { constants } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { classifyStreamError } from '../../lib/source/classify-stream-error.ts';

const { NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM, NGHTTP2_HTTP_1_1_REQUIRED } = constants;

const coded = (code: string) => Object.assign(new Error('x'), { code });

describe('the end of a stream that is none of its response', () => {
  it.for([
    ['H36', undefined, NGHTTP2_NO_ERROR, 'body', 'ConnectionLost'],
    ['H36', 'ERR_HTTP2_STREAM_ERROR', NGHTTP2_REFUSED_STREAM, 'headers', 'ConnectionLost'],
    ['H36', 'ERR_HTTP2_STREAM_ERROR', NGHTTP2_PROTOCOL_ERROR, 'body', 'ConnectionLost'],
    ['H11', 'ERR_HTTP2_STREAM_ERROR', NGHTTP2_PROTOCOL_ERROR, 'headers', 'ProtocolError'],
    ['H20', 'ERR_HTTP2_STREAM_ERROR', NGHTTP2_HTTP_1_1_REQUIRED, 'headers', 'ProtocolError'],
    ['H20', 'ERR_HTTP2_ERROR', NGHTTP2_NO_ERROR, 'body', 'ProtocolError'],
    ['H35', 'ERR_HTTP2_SESSION_ERROR', NGHTTP2_NO_ERROR, 'headers', 'ConnectionLost'],
    ['H02', 'ECONNRESET', undefined, 'body', 'ConnectionLost'],
  ] as const)('%s: %s with %s in the %s is %s', ([, code, rstCode, phase, name]) => {
    const error = classifyStreamError(code && coded(code), { host: 'a.test', rstCode, phase });

    expect(error).toMatchObject({ name, details: { host: 'a.test' } });
  });

  it('that is ours already stays as it is', () => {
    const ours = new SkyhaulError('TooSlow', 'x');

    expect(classifyStreamError(ours, { host: 'a', rstCode: 0, phase: 'body' })).toBe(ours);
  });
});

import { describe, expect, it } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { classifyConnectError, classifyExchangeError, interruptionOf } from '../../lib/source/classify-error.ts';

const coded = (code: string, more: object = {}) => Object.assign(new Error('any message'), { code, ...more });

describe('an error of connecting', () => {
  it.for<[string, string]>([
    ['ENOTFOUND', 'HostNotFound'],
    ['EAI_AGAIN', 'DnsUnavailable'],
    ['EAI_NODATA', 'DnsUnavailable'],
    ['ECONNREFUSED', 'ConnectFailed'],
    ['EHOSTUNREACH', 'ConnectFailed'],
    ['ENETUNREACH', 'ConnectFailed'],
    ['ECONNRESET', 'ConnectFailed'],
    ['ETIMEDOUT', 'ConnectTimeout'],
    ['UND_ERR_CONNECT_TIMEOUT', 'ConnectTimeout'],
    ['CERT_HAS_EXPIRED', 'TlsFailed'],
    ['CERT_NOT_YET_VALID', 'TlsFailed'],
    ['CERT_REVOKED', 'TlsFailed'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TlsFailed'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'TlsFailed'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TlsFailed'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'TlsFailed'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TlsFailed'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TlsFailed'],
    ['EPROTO', 'TlsFailed'],
    ['ERR_INVALID_ARG_TYPE', 'Unexpected'],
  ])('H32 H33 H34: %s is %s', ([code, name]) => {
    expect(classifyConnectError(coded(code), 'a.test')).toMatchObject({ name, details: { host: 'a.test' } });
  });

  it('of the resolver is the name server, whatever its code', () => {
    expect(classifyConnectError(coded('ETIMEDOUT', { syscall: 'getaddrinfo' }), 'a').name).toBe('DnsUnavailable');
  });

  it('without a code is a bug of ours', () => {
    expect(classifyConnectError(new TypeError('x'), 'a').name).toBe('Unexpected');
    expect(classifyConnectError('text', 'a').name).toBe('Unexpected');
  });
});

describe('an error of an exchange', () => {
  const at = (phase: 'headers' | 'body', isCut = false) => ({ host: 'a.test', phase, isCut });
  const parser = Object.assign(new Error('x'), { name: 'HTTPParserError' });
  const mismatch = coded('UND_ERR_RES_CONTENT_LENGTH_MISMATCH');

  it.for<[string, string]>([
    ['UND_ERR_SOCKET', 'ConnectionLost'],
    ['ECONNRESET', 'ConnectionLost'],
    ['EPIPE', 'ConnectionLost'],
    ['ETIMEDOUT', 'ConnectionLost'],
    ['UND_ERR_HEADERS_TIMEOUT', 'HeadersTimeout'],
    ['UND_ERR_BODY_TIMEOUT', 'IdleTimeout'],
    ['UND_ERR_HEADERS_OVERFLOW', 'HeadersTooLarge'],
    ['HPE_HEADER_OVERFLOW', 'HeadersTooLarge'],
    ['HPE_INVALID_CHUNK_SIZE', 'ProtocolError'],
    ['UND_ERR_ABORTED', 'Interrupted'],
    ['UND_ERR_DESTROYED', 'Interrupted'],
    ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'ConnectionLost'],
    ['UND_ERR_SOMETHING_NEW', 'Unexpected'],
  ])('in the body, %s is %s', ([code, name]) => {
    expect(classifyExchangeError(coded(code), at('body')).name).toBe(name);
  });

  it('H03 H11: a length that does not fit is a cut body, or a broken head', () => {
    expect(classifyExchangeError(mismatch, at('body')).name).toBe('ConnectionLost');
    expect(classifyExchangeError(mismatch, at('headers')).name).toBe('ProtocolError');
  });

  it('H04 H16: what the parser dislikes is garbage, unless the connection had ended before', () => {
    expect(classifyExchangeError(parser, at('body')).name).toBe('ProtocolError');
    expect(classifyExchangeError(parser, at('headers')).name).toBe('ProtocolError');
    expect(classifyExchangeError(parser, at('body', true)).name).toBe('ConnectionLost');
  });

  it('H34: a server may refuse our TLS behind the handshake', () => {
    const alert = coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');

    expect(classifyExchangeError(alert, at('headers')).name).toBe('TlsFailed');
  });

  it('that is ours already stays as it is', () => {
    const ours = new SkyhaulError('TooSlow', 'x');

    expect([classifyExchangeError(ours, at('body')), classifyConnectError(ours, 'a')]).toEqual([ours, ours]);
  });
});

describe('interruptionOf', () => {
  it('is the reason, when it is one of ours, else Interrupted with the reason as cause', () => {
    const ours = new SkyhaulError('ItemTimeout', 'x');

    expect(interruptionOf(AbortSignal.abort(ours))).toBe(ours);
    expect(interruptionOf(AbortSignal.abort('why'))).toMatchObject({ name: 'Interrupted', cause: 'why' });
  });
});

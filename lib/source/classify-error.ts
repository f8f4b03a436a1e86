import type { ErrorName } from '../errors/catalogue.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** How far an exchange had come when it failed, seen from the socket. */
export interface FailurePoint {
  readonly host: string;
  readonly phase: 'headers' | 'body';
  /** The peer had ended or reset the connection before the error was raised. */
  readonly isCut: boolean;
}

const EXCHANGE: Readonly<Record<string, ErrorName>> = {
  UND_ERR_HEADERS_TIMEOUT: 'HeadersTimeout',
  UND_ERR_BODY_TIMEOUT: 'IdleTimeout',
  UND_ERR_HEADERS_OVERFLOW: 'HeadersTooLarge',
  HPE_HEADER_OVERFLOW: 'HeadersTooLarge',
  UND_ERR_SOCKET: 'ConnectionLost',
  UND_ERR_ABORTED: 'Interrupted',
  UND_ERR_CLOSED: 'Interrupted',
  UND_ERR_DESTROYED: 'Interrupted',
};

/** OpenSSL's verdicts on a certificate (`man verify`); the others begin with the prefixes below. */
const CERTIFICATE = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
];
const TLS_PREFIXES = ['ERR_TLS_', 'ERR_SSL_', 'CERT_', 'CRL_', 'UNABLE_TO_', 'ERROR_IN_CERT_', 'ERROR_IN_CRL_'];

/** An error on the way to a connection: name, TCP, TLS. By `code`, never by message. */
export function classifyConnectError(error: unknown, host: string): SkyhaulError {
  if (error instanceof SkyhaulError) return error;
  const code = codeOf(error);
  const wrap = (name: ErrorName, what: string) => new SkyhaulError(name, `${host}: ${what}`, { host, cause: error });
  if (code === undefined) return wrap('Unexpected', 'connecting failed without a code');
  if (code === 'ENOTFOUND') return wrap('HostNotFound', 'no such host');
  if (code.startsWith('EAI_') || syscallOf(error) === 'getaddrinfo') return wrap('DnsUnavailable', code);
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT')
    return wrap('ConnectTimeout', 'no connection in time');
  if (isTls(code)) return wrap('TlsFailed', code);
  if (/^E[A-Z]+$/.test(code)) return wrap('ConnectFailed', code);
  return wrap('Unexpected', code);
}

/** An error of an established connection. */
export function classifyExchangeError(error: unknown, point: FailurePoint): SkyhaulError {
  if (error instanceof SkyhaulError) return error;
  const { host, phase, isCut } = point;
  const code = codeOf(error);
  const wrap = (name: ErrorName, what: string) => new SkyhaulError(name, `${host}: ${what}`, { host, cause: error });

  // undici says the same of garbage in the head as of a body that was cut, and of either without an llhttp code.
  const isParserError =
    (error instanceof Error && error.name === 'HTTPParserError') ||
    (code?.startsWith('HPE_') === true && EXCHANGE[code] === undefined);
  if (isParserError || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    const isLost = isCut || (phase === 'body' && !isParserError);
    return isLost
      ? wrap('ConnectionLost', 'the connection ended before the response did')
      : wrap('ProtocolError', 'the response breaks HTTP/1.1');
  }
  if (code === undefined) return wrap('Unexpected', 'reading failed without a code');
  const name = EXCHANGE[code];
  if (name !== undefined) return wrap(name, code);
  // TLS 1.3 lets a server refuse us only behind the handshake.
  if (isTls(code)) return wrap(phase === 'headers' ? 'TlsFailed' : 'ConnectionLost', code);
  return /^E[A-Z]+$/.test(code) ? wrap('ConnectionLost', code) : wrap('Unexpected', code);
}

/** What an aborted signal means: the reason, when it is one of ours (ItemTimeout …). */
export function interruptionOf(signal: AbortSignal): SkyhaulError {
  const reason: unknown = signal.reason;
  return reason instanceof SkyhaulError
    ? reason
    : new SkyhaulError('Interrupted', 'the transfer was interrupted', { cause: reason });
}

function isTls(code: string): boolean {
  return code === 'EPROTO' || CERTIFICATE.includes(code) || TLS_PREFIXES.some((prefix) => code.startsWith(prefix));
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function syscallOf(error: unknown): unknown {
  return error instanceof Error && 'syscall' in error ? error.syscall : undefined;
}

/**
 * What goes to a proxy before a tunnel, and how its answer is judged: pure. RFC 9110 9.3.6: a 2xx has no body whatever its
 * fields say; every byte behind its head comes from the other end of the tunnel.
 */
import { isIPv6 } from 'node:net';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { ProxySettings } from './source.ts';

/** Interim answers included. */
const MAX_ANSWER_BYTES = 64 * 1024;
const BEGINNING = Buffer.from('HTTP/1.');
const END = '\r\n\r\n';
/** 4xx that say "later" (RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4). */
const LATER = [408, 425, 429];

export type ConnectAnswer =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'broken'; readonly why: string }
  /** `rest`: what has come of the tunnel already. */
  | { readonly kind: 'final'; readonly status: number; readonly rest: Buffer };

/** @param place address or name of the target, IPv6 without brackets */
export function connectRequest(
  place: string,
  port: string,
  { credentials, userAgent }: Pick<ProxySettings, 'credentials'> & { readonly userAgent: string },
): string {
  const authority = `${isIPv6(place) ? `[${place}]` : place}:${port}`;
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, `User-Agent: ${userAgent}`];
  if (credentials !== undefined) {
    // RFC 7617, UTF-8.
    const basic = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
    lines.push(`Proxy-Authorization: Basic ${basic}`);
  }
  return `${lines.join('\r\n')}${END}`;
}

/** @param received everything that came since the request was sent */
export function readConnectAnswer(received: Buffer): ConnectAnswer {
  const begun = Math.min(received.length, BEGINNING.length);
  if (!received.subarray(0, begun).equals(BEGINNING.subarray(0, begun))) return broken('with something else than HTTP');
  const end = received.indexOf(END);
  if ((end < 0 ? received.length : end) > MAX_ANSWER_BYTES) return broken('with more than 64 KiB of headers');
  if (end < 0) return { kind: 'incomplete' };
  const [line = ''] = received.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})( .*)?$/.exec(line)?.[1] ?? 0);
  if (status < 100 || status === 101) return broken('without a status that has a meaning');
  const rest = received.subarray(end + END.length);
  return status < 200 ? readConnectAnswer(rest) : { kind: 'final', status, rest };
}

/** Undefined: the tunnel stands. It is the target that is retried or parked, so it is the target that the error names. */
export function refusalOf(status: number, host: string, proxy: URL): SkyhaulError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const isRefusal = status >= 400 && status < 500 && !LATER.includes(status);
  const message = `the proxy ${proxy.host} answered ${status} to a connection to ${host}`;
  return new SkyhaulError(isRefusal ? 'ProxyRefused' : 'ProxyFailed', message, { host });
}

function broken(why: string): ConnectAnswer {
  return { kind: 'broken', why };
}

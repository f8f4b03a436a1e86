import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { Network } from './address-class.ts';
import { checkUrl } from './check-url.ts';
import { type HeaderList, valuesOf } from './header-list.ts';

export type RedirectDecision =
  /** `isSameOrigin` false: everything the user gave for the first host stays behind. */
  | { readonly action: 'follow'; readonly url: URL; readonly isSameOrigin: boolean }
  | { readonly action: 'refuse'; readonly error: SkyhaulError };

export interface Hop {
  readonly from: URL;
  readonly headers: HeaderList;
  /** Redirects followed before this one. Counted, not a set of URLs: a page may redirect to itself to set a cookie. */
  readonly followed: number;
  readonly maxRedirects: number;
}

const REDIRECTS = [301, 302, 303, 307, 308];

/** A POST goes on as a GET behind these (RFC 9110 15.4.2, 15.4.3, 15.4.4); 307 and 308 keep method and body. */
export function becomesGet(status: number): boolean {
  return status === 301 || status === 302 || status === 303;
}

/** Headers without those about a body that is not sent any more (RFC 9110 15.4). */
export function withoutContent(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.toLowerCase().startsWith('content-')));
}

export function isRedirect(status: number): boolean {
  return REDIRECTS.includes(status);
}

/**
 * Where a redirect leads, judged like a URL of the list. Never from https to http, never to another scheme, and never
 * on when the answer leaves open which way (no Location, or two of them).
 */
export function decideRedirect(hop: Hop, allowed: readonly Network[]): RedirectDecision {
  const from = redactUrl(hop.from.href);
  const refuse = (why: string, cause?: unknown): RedirectDecision => ({
    action: 'refuse',
    error: new SkyhaulError('RedirectRefused', `${from} redirects ${why}`, { host: hop.from.host, cause }),
  });
  if (hop.followed >= hop.maxRedirects) {
    const message = `${from} redirects once more; ${hop.maxRedirects} redirects are allowed`;
    return { action: 'refuse', error: new SkyhaulError('TooManyRedirects', message, { host: hop.from.host }) };
  }
  const [location, ...others] = valuesOf(hop.headers, 'location').map(decodeLocation);
  if (location === undefined || location === '') return refuse('without saying where');
  if (others.some((other) => other !== location)) return refuse('to two places');
  if (!URL.canParse(location, hop.from.href)) return refuse('to something that is not a URL');

  const target = new URL(location, hop.from);
  if (hop.from.protocol === 'https:' && target.protocol === 'http:') return refuse('from https to http');
  try {
    const url = checkUrl(target.href, allowed);
    return { action: 'follow', url, isSameOrigin: url.origin === hop.from.origin };
  } catch (error) {
    if (error instanceof SkyhaulError && error.name === 'UrlRefused') return refuse(`where ${error.message}`, error);
    if (error instanceof SkyhaulError) return { action: 'refuse', error };
    throw error;
  }
}

/** Header bytes arrive as Latin-1; servers that send raw UTF-8 in a Location mean UTF-8. */
function decodeLocation(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

import { MAX_URL_BYTES } from '../contract/limits.ts';
import { invalid, type Problem } from '../contract/problem.ts';
import { redactUrl } from '../errors/redact-url.ts';

/**
 * The URL of a line, as far as it can be judged without the network: http or https, no user info. Whether its host may
 * be asked is the address guard's decision, at each connection. The fragment is dropped, since no server ever sees it.
 */
export type CheckedUrl = { readonly ok: true; readonly url: URL } | { readonly ok: false; readonly problem: Problem };

const CONTROL = /[\p{Cc}\p{Cs}]/u;

export function checkUrl(text: string): CheckedUrl {
  const refuse = (allowed: string): CheckedUrl => ({
    ok: false,
    problem: invalid('url', redactUrl(text), allowed, 'UrlRefused'),
  });
  const trimmed = text.trim();
  // WHATWG parsing drops tabs and line ends inside: that would fetch another URL than the one that stands there.
  if (CONTROL.test(trimmed)) return refuse('no control characters');
  const url = URL.parse(trimmed);
  if (url === null) return refuse('an absolute http or https URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return refuse('an http or https URL');
  if (url.username !== '' || url.password !== '') {
    return refuse('no user info; send it as `headers: { "authorization": "Basic …" }`');
  }
  url.hash = '';
  if (url.href.length > MAX_URL_BYTES) return refuse(`at most ${MAX_URL_BYTES} bytes`);
  return { ok: true, url };
}

import { parseRange } from '../contract/byte-range.ts';
import { mergeQuery } from '../contract/merge-query.ts';
import { methodOf } from '../contract/method-of.ts';
import type { OpenRequest, RequestBody, RequestOptions } from '../contract/request.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type Authorize, authorizeWith } from '../source/authorize.ts';
import type { ProxySettings, SourceRequest, TlsSettings } from '../source/source.ts';
import { userAgentOf } from '../source/user-agent.ts';
import type { ItemJob } from './item-job.ts';
import { openRequest, receiversOf, type Secrets } from './secrets.ts';

/**
 * What the source of an item is asked with, the nearer setting over the farther one: the item's own fields, its `request`,
 * the batch's. Headers and query are merged by name, all else is replaced. Throws BatchInvalid where what came together
 * does not fit (a GET with a body, a range of a POST), SecretRefused.
 */
export function requestOf(
  job: Pick<ItemJob, 'work' | 'options' | 'body' | 'signal' | 'now'> & { readonly secrets?: Secrets | undefined },
): Omit<SourceRequest, 'ifNoneMatch'> {
  const { item } = job.work;
  const receivers = receiversOf({ item, options: job.options });
  const open = (request: RequestOptions) => openRequest(request, receivers, job.secrets);
  const ofBatch = open(job.options.request ?? {});
  const own = open(item.request ?? {});
  const short = open({ headers: item.headers, auth: item.auth });
  const asked: OpenRequest = { ...ofBatch, ...own };
  const { method, body } = methodOf(item, job.options);
  if (method === 'GET' && body !== undefined) throw new SkyhaulError('BatchInvalid', 'a GET carries no `body`');
  if (method === 'POST' && item.range !== undefined) {
    throw new SkyhaulError('BatchInvalid', '`range` is for GET; what a POST answers has no ranges');
  }
  const headers = { ...lower(ofBatch.headers), ...lower(own.headers), ...lower(short.headers) };
  return {
    url: mergeQuery(item.url, { ...ofBatch.query, ...own.query }),
    headers: { ...agentOf(own, asked), ...contentTypeOf(body), ...headers, ...cookieOf(asked.cookies, headers.cookie) },
    method,
    ...(body !== undefined && { body: job.body ?? bytesOf(body) }),
    ...(item.range !== undefined && { range: rangeOf(item.range) }),
    authorize: authorizer(short, own, ofBatch, job.now),
    keepsCookies: asked.cookies === true,
    tls: tlsOf(asked),
    proxy: proxyOf(asked.proxy),
    backend: item.backend ?? (asked.http === '2' ? 'h2' : undefined),
    signal: job.signal,
  };
}

/** A POST is asked again in full, and what it answers is never compared with what stands at the target. */
export function isPost({ work, options }: Pick<ItemJob, 'work' | 'options'>): boolean {
  return methodOf(work.item, options).method === 'POST';
}

type Headers = Readonly<Record<string, string>>;

function lower(headers: Headers = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** As the batch says, unless the item has a word of its own. */
function agentOf(own: OpenRequest, asked: OpenRequest): Headers {
  return own.userAgent === undefined && own.contact === undefined ? {} : { 'user-agent': userAgentOf(asked) };
}

function contentTypeOf(body: RequestBody | undefined): Headers {
  return typeof body === 'object' && 'json' in body ? { 'content-type': 'application/json' } : {};
}

function cookieOf(cookies: OpenRequest['cookies'], given: string | undefined): Headers {
  if (typeof cookies !== 'object' || Object.keys(cookies).length === 0) return {};
  const pairs = Object.entries(cookies).map(([name, value]) => `${name}=${value}`);
  return { cookie: [...(given === undefined ? [] : [given]), ...pairs].join('; ') };
}

function bytesOf(body: RequestBody): Uint8Array {
  if (typeof body === 'string') return Buffer.from(body);
  return 'json' in body ? Buffer.from(JSON.stringify(body.json)) : Buffer.from(body.base64, 'base64');
}

/** The schema has seen to it that there is one. */
function rangeOf(text: string) {
  const range = parseRange(text);
  if (range === undefined) throw new SkyhaulError('BatchInvalid', `\`range\` is no range of bytes: ${text}`);
  return range;
}

/** An Authorization header of the item is nearer than any auth of the batch. */
function authorizer(
  short: OpenRequest,
  own: OpenRequest,
  ofBatch: OpenRequest,
  now: () => number,
): Authorize | undefined {
  const names = Object.keys({ ...own.headers, ...short.headers }).map((name) => name.toLowerCase());
  const auth = short.auth ?? own.auth ?? (names.includes('authorization') ? undefined : ofBatch.auth);
  return auth && authorizeWith(auth, now);
}

function tlsOf({ ca, clientCertificate, minTlsVersion }: OpenRequest): TlsSettings | undefined {
  if (ca === undefined && clientCertificate === undefined && minTlsVersion === undefined) return undefined;
  return { ca, clientCertificate, minVersion: minTlsVersion };
}

function proxyOf(proxy: OpenRequest['proxy']): ProxySettings | undefined {
  if (proxy === undefined || proxy === false) return undefined;
  if (typeof proxy === 'string') return { url: proxy, targets: 'checked' };
  const { url, username, password = '', targets = 'checked' } = proxy;
  return { url, targets, ...(username !== undefined && { credentials: { username, password } }) };
}

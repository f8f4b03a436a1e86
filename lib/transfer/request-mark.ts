import { createHash } from 'node:crypto';
import { methodOf } from '../contract/method-of.ts';
import type { ItemJob } from './item-job.ts';

/**
 * Parts of a signature, which change while the file does not: of AWS and GCS by their prefix; short names (Azure's `st`,
 * `Expires`) only beside those that nothing but a signature has, since elsewhere they are parameters like any other.
 */
const PREFIXED = /^x-(amz|goog)-/i;
const SIGNATURES: readonly { readonly needs: readonly string[]; readonly names: RegExp }[] = [
  { needs: ['sig', 'sv'], names: /^(sig|se|st|sp|sv|sr|spr|sks|ske|skt|skv|skoid|sktid)$/i },
  { needs: ['signature', 'expires'], names: /^(signature|expires|awsaccesskeyid|googleaccessid|key-pair-id)$/i },
  { needs: ['signature', 'key-pair-id'], names: /^(signature|expires|policy|key-pair-id)$/i },
];
/** Who asks, not what for. */
const CREDENTIALS = /^(authorization|cookie|proxy-authorization)$/i;

/**
 * What tells one request from another of the same path: query and headers, without signatures and credentials. An entity
 * tag says nothing across them (RFC 9110 8.8.3: it is of one resource and one representation). Undefined for a plain URL.
 */
export function requestMark({ work, options }: Pick<ItemJob, 'work' | 'options'>): string | undefined {
  const { item } = work;
  const queries = unsigned([...new URL(item.url).searchParams]);
  const headers = [options.request?.headers, item.request?.headers, item.headers].flatMap((given) =>
    Object.entries(given ?? {}).filter(([name]) => !CREDENTIALS.test(name)),
  );
  const asked = [queries, options.request?.query ?? {}, item.request?.query ?? {}, headers];
  const { method, body } = methodOf(item, options);
  if (method === 'POST') return digest([...asked, body ?? null]);
  if (queries.length + headers.length === 0 && !options.request?.query && !item.request?.query) return undefined;
  return digest(asked);
}

function unsigned(queries: readonly (readonly [string, string])[]) {
  const given = new Set(queries.map(([name]) => name.toLowerCase()));
  const signing = SIGNATURES.filter(({ needs }) => needs.every((name) => given.has(name)));
  return queries.filter(([name]) => !PREFIXED.test(name) && !signing.some(({ names }) => names.test(name)));
}

/** The same of what the list sets beside the bytes, of which no source knows. Undefined where it sets nothing. */
export function fieldsMark({ work, options }: Pick<ItemJob, 'work' | 'options'>): string | undefined {
  const { contentType, metadata = {} } = work.item;
  const { cacheControl } = options;
  // In no order of the list's.
  const named = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (contentType === undefined && cacheControl === undefined && named.length === 0) return undefined;
  return digest([contentType ?? null, cacheControl ?? null, named]);
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

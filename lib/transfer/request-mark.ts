import { createHash } from 'node:crypto';
import type { ItemJob } from './item-job.ts';

/** Parts of a signature (S3, GCS, CloudFront, Azure), which change while the file does not. */
const SIGNATURE =
  /^(x-(amz|goog)-.*|signature|expires|key-pair-id|policy|awsaccesskeyid|googleaccessid|sig|se|st|sp|sv|sr|spr|sks|ske|skt|skv|skoid|sktid)$/i;
/** Who asks, not what for. */
const CREDENTIALS = /^(authorization|cookie|proxy-authorization)$/i;

/**
 * What tells one request from another of the same path: query and headers, without signatures and credentials. An entity
 * tag says nothing across them (RFC 9110 8.8.3: it is of one resource and one representation). Undefined for a plain URL.
 */
export function requestMark({ work, options }: Pick<ItemJob, 'work' | 'options'>): string | undefined {
  const { item } = work;
  const queries = [...new URL(item.url).searchParams].filter(([name]) => !SIGNATURE.test(name));
  const headers = [options.request?.headers, item.request?.headers, item.headers].flatMap((given) =>
    Object.entries(given ?? {}).filter(([name]) => !CREDENTIALS.test(name)),
  );
  const asked = [queries, options.request?.query ?? {}, item.request?.query ?? {}, headers];
  if (queries.length + headers.length === 0 && !options.request?.query && !item.request?.query) return undefined;
  return digest(asked);
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

import type { z } from 'zod';
import type { options } from './options.ts';
import type { RequestOptions } from './request.ts';

/** Options as somebody wrote them: what is not there has no default yet. */
export type GivenOptions = z.input<typeof options>;

/**
 * The nearer options over the farther ones, field by field. Of `request`, headers and query are put together by name, and
 * the nearer way to say who asks takes the place of the farther one, whichever of the two it is. Pure.
 */
export function mergeOptions(farther: GivenOptions, nearer: GivenOptions): GivenOptions {
  const request = mergeRequest(farther.request, nearer.request);
  return { ...farther, ...given(nearer), ...(request && { request }) };
}

function mergeRequest(
  farther: RequestOptions | undefined,
  nearer: RequestOptions | undefined,
): RequestOptions | undefined {
  if (!farther || !nearer) return nearer ?? farther;
  const { headers: before = {}, ...rest } = withoutAsker(farther, nearer);
  const names = new Set(Object.keys(nearer.headers ?? {}).map((name) => name.toLowerCase()));
  if (nearer.userAgent !== undefined) names.add('user-agent');
  const kept = Object.entries(before).filter(([name]) => !names.has(name.toLowerCase()));
  return overlayRequest({ ...rest, ...(kept.length > 0 && { headers: Object.fromEntries(kept) }) }, given(nearer));
}

/** The nearer setting over the farther one, field by field; of headers and query name by name, as they are written. Pure. */
export function overlayRequest(farther: RequestOptions, nearer: RequestOptions = {}): RequestOptions {
  const { headers, query } = farther;
  return {
    ...farther,
    ...nearer,
    ...((headers ?? nearer.headers) && { headers: { ...headers, ...nearer.headers } }),
    ...((query ?? nearer.query) && { query: { ...query, ...nearer.query } }),
  };
}

/** Who asks is said once: a nearer word, be it `auth` or a header, takes the place of the farther one. Pure. */
export function withoutAsker(
  farther: RequestOptions,
  nearer: Pick<RequestOptions, 'auth' | 'headers'>,
): RequestOptions {
  const { auth, headers, ...others } = farther;
  const isAuthorization = (name: string) => name.toLowerCase() === 'authorization';
  const hasHeader = Object.keys(nearer.headers ?? {}).some(isAuthorization);
  const kept = Object.entries(headers ?? {}).filter(([name]) => !nearer.auth || !isAuthorization(name));
  return {
    ...others,
    ...(auth && !hasHeader && { auth }),
    ...(headers && { headers: Object.fromEntries(kept) }),
  };
}

/** A field that is there and says nothing takes no default away. */
function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

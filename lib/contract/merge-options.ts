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
  const { auth, ...rest } = farther;
  const replaced = new Set(Object.keys(nearer.headers ?? {}).map((name) => name.toLowerCase()));
  const names = new Set(replaced);
  if (nearer.auth) names.add('authorization');
  if (nearer.userAgent !== undefined) names.add('user-agent');
  const kept = Object.entries(farther.headers ?? {}).filter(([name]) => !names.has(name.toLowerCase()));
  const headers = { ...Object.fromEntries(kept), ...nearer.headers };
  const query = { ...farther.query, ...nearer.query };
  return {
    ...(auth && !replaced.has('authorization') && { auth }),
    ...without(rest, 'headers', 'query'),
    ...given(without(nearer, 'headers', 'query')),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(Object.keys(query).length > 0 && { query }),
  };
}

/** A field that is there and says nothing takes no default away. */
function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function without<T extends object, K extends keyof T>(fields: T, ...names: readonly K[]): Omit<T, K> {
  const copy = { ...fields };
  for (const name of names) delete copy[name];
  return copy;
}

import { type Item, item as itemSchema } from '../contract/item.ts';
import { mergeQuery } from '../contract/merge-query.ts';
import { unsupportedInItem } from '../contract/not-supported.ts';
import { checkContract } from '../contract/parse.ts';
import { invalid, type Problem, shownValue } from '../contract/problem.ts';
import type { RequestOptions } from '../contract/request.ts';
import { isReference } from '../contract/secret.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { checkUrl } from './item-url.ts';
import { checkKey, deriveKey } from './object-key.ts';

/** One line of a list, judged: an item with its key, or everything that is wrong with it. */
export type CheckedItem =
  | { readonly ok: true; readonly item: Item; readonly key: string }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** As far as the line tells: for the outcome of a line that is left out. The URL is redacted. */
      readonly id?: string;
      readonly url?: string;
    };

/**
 * Schema, supported fields, URL and key, in this order; the first stage that objects is the one that is reported.
 *
 * @param maxKeyBytes what the destination's prefix leaves for keys
 */
export function checkItem(value: unknown, maxKeyBytes?: number): CheckedItem {
  const checked = checkContract(itemSchema, value);
  if (!checked.ok) return refused(value, checked.problems);

  // Why the line failed in an earlier run says nothing about this one.
  const { error: _, ...given } = checked.value;
  const unsupported = unsupportedInItem(given);
  if (unsupported.length > 0) return refused(value, unsupported);

  const address = checkUrl(given.url);
  if (!address.ok) return refused(value, [address.problem]);

  const asked = new URL(mergeQuery(address.url.href, namesOf(given.request?.query)));
  const key = given.key ?? deriveKey(asked, maxKeyBytes);
  const verdict = checkKey(key, maxKeyBytes);
  if (!verdict.ok) return refused(value, [invalid('key', shownValue(['key'], key), verdict.problem, 'KeyRefused')]);

  return { ok: true, item: { ...given, url: address.url.href }, key };
}

/** A secret has a name in the key, and nothing more. */
function namesOf(query: RequestOptions['query'] = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, isReference(value) ? value.secret : value]),
  );
}

function refused(value: unknown, problems: readonly Problem[]): CheckedItem {
  if (typeof value !== 'object' || value === null) return { ok: false, problems };
  const { id, url } = value as { id?: unknown; url?: unknown };
  return {
    ok: false,
    problems,
    ...(typeof id === 'string' && id.length <= 256 ? { id } : {}),
    ...(typeof url === 'string' ? { url: redactUrl(url) } : {}),
  };
}

import { contradictions } from '../contract/contradictions.ts';
import { type Item, item as itemSchema } from '../contract/item.ts';
import { mergeQuery } from '../contract/merge-query.ts';
import { unsupportedInItem } from '../contract/not-supported.ts';
import { checkContract } from '../contract/parse.ts';
import { invalid, type Problem, shownValue } from '../contract/problem.ts';
import type { RequestOptions } from '../contract/request.ts';
import { isReference } from '../contract/secret.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { checkUrl } from './item-url.ts';
import type { MadeKey } from './key-template.ts';
import { checkKey, deriveKey, FILENAME } from './object-key.ts';

/** One line of a list, judged: an item with its key, or everything that is wrong with it. */
export type CheckedItem =
  | {
      readonly ok: true;
      readonly item: Item;
      readonly key: string;
      /** Where in the key `{filename}` stands, until the source has answered. */
      readonly nameAt?: number;
    }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** As far as the line tells: for the outcome of a line that is left out. The URL is redacted. */
      readonly id?: string;
      readonly url?: string;
    };

/**
 * Schema, supported fields, what goes together, URL and key, in this order; the first stage that objects is the one that
 * is reported.
 *
 * @param maxKeyBytes what the destination's prefix leaves for keys
 * @param makeKey the key of an item that names none, from the URL that is asked for
 * @param judge what is wrong with an item that its schema takes; more is known of it where its batch is known
 */
export function checkItem(
  value: unknown,
  maxKeyBytes?: number,
  judge: (item: Item) => readonly Problem[] = (item) => contradictions(item),
  makeKey: (asked: URL, item: Item) => MadeKey = (asked) => ({ ok: true, key: deriveKey(asked, maxKeyBytes) }),
): CheckedItem {
  const checked = checkContract(itemSchema, value);
  if (!checked.ok) return refused(value, checked.problems);

  // Why the line failed in an earlier run says nothing about this one.
  const { error: _, ...given } = checked.value;
  const unsupported = unsupportedInItem(given);
  if (unsupported.length > 0) return refused(value, unsupported);

  const wrong = judge(given);
  if (wrong.length > 0) return refused(value, wrong);

  const address = checkUrl(given.url);
  if (!address.ok) return refused(value, [address.problem]);

  const query = given.request?.query;
  const asked = query === undefined ? address.url : new URL(mergeQuery(address.url.href, namesOf(query)));
  const made = given.key === undefined ? makeKey(asked, given) : readKey(given.key);
  if (!made.ok) return refused(value, [made.problem]);
  const verdict = checkKey(made.key, maxKeyBytes);
  if (!verdict.ok) {
    return refused(value, [invalid('key', shownValue(['key'], made.key), verdict.problem, 'KeyRefused')]);
  }
  return { ...made, item: { ...given, url: address.url.href } };
}

/** `{filename}` in a key is what the source will call the file. */
function readKey(key: string): MadeKey {
  const nameAt = key.indexOf(FILENAME);
  if (nameAt === -1) return { ok: true, key };
  if (!key.includes(FILENAME, nameAt + 1)) return { ok: true, key, nameAt };
  return { ok: false, problem: invalid('key', shownValue(['key'], key), `${FILENAME} once`, 'KeyRefused') };
}

/** A secret has a name in the key, and nothing more. */
function namesOf(query: NonNullable<RequestOptions['query']>): Record<string, string> {
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

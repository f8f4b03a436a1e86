import type { Item } from './item.ts';
import { methodOf } from './method-of.ts';
import type { Options } from './options.ts';
import { type Problem, problem } from './problem.ts';
import type { RequestOptions } from './request.ts';
import { makesMany } from './transform.ts';

/**
 * Fields that are right one by one and cannot be had together. They are found when the list is read: an item that cannot
 * work is no reason to ask its source first. Pure; what a batch says counts as far as it is known.
 */
export function contradictions(item: Item, options: Pick<Options, 'request' | 'transform'> = {}): readonly Problem[] {
  const { result, request, auth, headers } = item;
  const { method, body } = methodOf(item, options);
  const steps = item.transform ?? options.transform;
  const problems: Problem[] = [
    ...askedTwice({ auth: auth ?? request?.auth, headers: { ...request?.headers, ...headers } }),
  ];
  if (method === 'GET' && body !== undefined) problems.push(clash('body', 'a GET carries no `body`'));
  if (method === 'POST' && item.range !== undefined) {
    problems.push(clash('range', '`range` is for GET; what a POST answers has no ranges'));
  }
  if ((result === 'inline' || result === 'none') && makesMany(steps)) {
    problems.push(clash('result', `\`untar\` makes objects, and \`result\` is \`${result}\``));
  }
  if (result === 'head') problems.push(...unreadable(item));
  return problems;
}

/** The same of a batch itself, for all its items. */
export function contradictionsInOptions({ request = {} }: Pick<Options, 'request'>): readonly Problem[] {
  const { method, body } = methodOf({}, { request });
  const problems = [...askedTwice(request)];
  if (method === 'GET' && body !== undefined) problems.push(clash('request.body', 'a GET carries no `body`'));
  return problems;
}

/** One of the two would win, and nobody could see which. */
function askedTwice({ auth, headers = {} }: Pick<RequestOptions, 'auth' | 'headers'>): readonly Problem[] {
  const hasHeader = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  if (auth === undefined || !hasHeader) return [];
  return [clash('auth', '`auth` and a header `authorization` cannot be given together')];
}

/** What `head` would have to read the body for. */
function unreadable({ sha256, md5, crc32c, transform }: Item): readonly Problem[] {
  return Object.entries({ sha256, md5, crc32c, transform }).flatMap(([field, value]) =>
    value === undefined ? [] : [clash(field, `\`${field}\` needs the body, which \`head\` does not read`)],
  );
}

function clash(field: string, text: string): Problem {
  return problem(field, 'one of the two', text);
}

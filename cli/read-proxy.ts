import { z } from 'zod';
import { checkContract } from '../lib/contract/parse.ts';
import { type ProxyOption, proxy, proxySettings } from '../lib/contract/proxy.ts';

/**
 * `--proxy http://proxy.example:3128`, or the JSON object that `request.proxy` may be. Of what may hold a password, in its
 * right place or in the URL, nothing is repeated in a message.
 */
export function readProxy(text: string | undefined): { proxy: ProxyOption | undefined; problems: string[] } {
  if (text === undefined) return { proxy: undefined, problems: [] };
  return text.startsWith('{') ? readSettings(text) : readUrl(text);
}

const refuse = (...problems: readonly string[]) => ({
  proxy: undefined,
  problems: problems.map((why) => `--proxy: ${why}`),
});

function readUrl(text: string) {
  const { data, error } = proxy.safeParse(text);
  if (data !== undefined) return { proxy: data, problems: [] };
  const must = error.issues[0]?.message ?? 'must be the URL of a proxy';
  return refuse(PLAIN.test(text) ? `${must}, found ${JSON.stringify(text)}` : must);
}

/** A host with a port and a path: neither user info nor a query. */
const PLAIN = /^([a-z\d+]+:\/+)?[\w.-]*(:\d{1,5})?(\/[\w./-]*)?$/i;

/** In its place, so that no value is shown. */
const settings = z.strictObject({ proxy: proxySettings });

function readSettings(text: string) {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return refuse('it begins as JSON and is none');
  }
  const checked = checkContract(settings, { proxy: given });
  if (checked.ok) return { proxy: checked.value.proxy, problems: [] };
  return refuse(...checked.problems.map((problem) => problem.text.replace('`proxy.', '`').replace(HIDDEN, '')));
}

const HIDDEN = ', found (not shown)';

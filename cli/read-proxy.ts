import { type ProxyOption, proxy } from '../lib/contract/proxy.ts';

/**
 * `--proxy http://proxy.example:3128`, or the JSON object that `request.proxy` may be. Nothing of it is repeated in a
 * message: it may hold a password, in its right place or in the URL.
 */
export function readProxy(text: string | undefined): { proxy: ProxyOption | undefined; problems: string[] } {
  if (text === undefined) return { proxy: undefined, problems: [] };
  const given = text.startsWith('{') ? jsonOf(text) : text;
  const { data, error } = proxy.safeParse(given);
  if (data !== undefined) return { proxy: data, problems: [] };
  return { proxy: undefined, problems: [`--proxy: ${error.issues[0]?.message ?? 'must be the URL of a proxy'}`] };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

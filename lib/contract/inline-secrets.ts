import type { Item } from './item.ts';
import type { Options } from './options.ts';
import { type Problem, problem } from './problem.ts';
import { hasLiteralPassword } from './proxy.ts';
import type { RequestOptions } from './request.ts';

/**
 * Items that are given inline to the deployed state machine stand in its execution history, where many may read them.
 * So no credential may travel that way. In-process, inline items stay in this process: there this is not asked.
 */
const CREDENTIAL =
  /signature|credential|password|secret|^sig$|^jwt$|^hmac$|api[-_]?key|access[-_]?key|token$|^auth$|^authorization$/i;
const INSTEAD = 'put it into a manifest, which is kept sealed (`skyhaul submit` does)';

/** Whether what stands under this name may be a credential. */
export function isCredentialName(name: string): boolean {
  return CREDENTIAL.test(name);
}

/** The same for the options of the whole batch. */
export function checkInlineOptions(options: Options): readonly Problem[] {
  return tellingFields(options.request).map((name) => {
    const field = `options.request.${name}`;
    const text = `\`${field}\` would stand in the execution history; start the run with \`skyhaul submit\``;
    return problem(field, 'none', text);
  });
}

/** Fields of a request that hold credentials, or may hold some; what is in a query is told by its names. */
function tellingFields(request: RequestOptions = {}): readonly string[] {
  const { headers, auth, cookies, clientCertificate, body, proxy, query = {} } = request;
  const found = {
    headers,
    auth,
    cookies: typeof cookies === 'object' ? cookies : undefined,
    clientCertificate,
    proxy: hasLiteralPassword(proxy) ? proxy : undefined,
    body,
    query: Object.keys(query).some((name) => CREDENTIAL.test(name)) ? query : undefined,
  };
  return Object.entries(found).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

/** Problems of an item as deployed inline input: headers, auth, user info, a signed query. */
export function checkInlineItem(item: Item): readonly Problem[] {
  const problems: Problem[] = [];
  const refuse = (field: string, what: string) =>
    problems.push(problem(field, INSTEAD, `${what} would stand in the execution history; ${INSTEAD}`));

  const { headers = item.request?.headers, auth = item.request?.auth, body = item.request?.body } = item;
  const { query: _, ...request } = item.request ?? {};
  for (const name of tellingFields({ ...request, headers, auth, body })) refuse(name, `\`${name}\``);
  if (!URL.canParse(item.url)) return problems;
  const url = new URL(item.url);
  if (url.username !== '' || url.password !== '') refuse('url', 'the user info of `url`');
  const names = [...url.searchParams.keys(), ...Object.keys(item.request?.query ?? {})];
  if (names.some((name) => CREDENTIAL.test(name))) refuse('url', 'the signed query of `url`');
  return problems;
}

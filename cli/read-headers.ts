import { allowed } from '../lib/contract/issue-problems.ts';
import { request } from '../lib/contract/request.ts';

/**
 * `-H 'Name: value'`, as curl takes it. What a header may be is the contract's matter. A message names the header, or
 * its position, and never its value: values are credentials.
 */
export function readHeaders(lines: readonly string[]): { headers: Record<string, string>; problems: string[] } {
  const headers: Record<string, string> = {};
  const problems: string[] = [];
  /** Name → which flag gave it, from 1. */
  const given = new Map<string, number>();
  lines.forEach((line, index) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim();
    if (name === '') {
      problems.push(`--header ${index + 1}: must be "Name: value"`);
    } else if (given.has(name.toLowerCase())) {
      problems.push(`--header ${index + 1}: the header is given twice`);
    } else {
      given.set(name.toLowerCase(), index + 1);
      headers[name] = line.slice(colon + 1).trim();
    }
  });
  for (const issue of request.shape.headers.safeParse(headers).error?.issues ?? []) {
    const position = given.get(String(issue.path[0] ?? '').toLowerCase());
    problems.push(`--header${position === undefined ? '' : ` ${position}`}: ${allowed(issue)}`);
  }
  return { headers, problems };
}

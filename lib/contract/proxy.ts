import { z } from 'zod';
import { secretReference } from './secret.ts';

/**
 * Through which HTTP proxy a source is asked. Credentials stand beside the URL and never in it, so that a proxy can be
 * named in a message.
 */
const proxyUrl = z
  .string()
  .max(1_024)
  .superRefine((text, context) => {
    const wanted = proxyUrlProblem(text);
    if (wanted !== undefined) context.addIssue({ code: 'custom', message: wanted });
  });

const text = (characters: RegExp, what: string) => z.string().max(1_024).regex(characters, what);

/** RFC 7617 2: the first colon ends the name. */
const username = text(/^[^:\p{Cc}]*$/u, 'a name without colon and control characters');
const password = text(/^\P{Cc}*$/u, 'a text without control characters');

export const proxySettings = z
  .strictObject({
    url: proxyUrl,
    username: username.optional(),
    password: z.union([password, secretReference]).optional(),
    targets: z
      .enum(['checked', 'proxy'])
      .optional()
      .describe('Who judges where a host lies: Skyhaul (default), which then names its address, or the proxy alone.'),
  })
  .refine((value) => value.password === undefined || value.username !== undefined, {
    path: ['username'],
    message: 'required beside `password`',
  });

export const proxy = z.union([z.literal(false), proxyUrl, proxySettings], {
  error: 'false, the URL of a proxy, such as http://proxy.example:3128, or { url, username, password, targets }',
});

export type ProxyOption = z.infer<typeof proxy>;
/** Where its credentials go. */
export function originOfProxy(option: Exclude<ProxyOption, false>): string {
  return new URL(typeof option === 'string' ? option : option.url).origin;
}

/** Whether a password stands there itself, and not where it is kept. */
export function hasLiteralPassword(option: ProxyOption | undefined): boolean {
  return typeof option === 'object' && typeof option.password === 'string';
}

function proxyUrlProblem(given: string): string | undefined {
  const url = URL.parse(given);
  if (url === null || url.host === '' || !['http:', 'https:'].includes(url.protocol)) {
    return 'the URL of a proxy, such as http://proxy.example:3128';
  }
  if (url.username !== '' || url.password !== '') {
    return 'without user info; give { "url": …, "username": …, "password": … } instead';
  }
  const isOrigin = url.pathname === '/' && url.search === '' && url.hash === '';
  return isOrigin ? undefined : 'scheme, host and port of a proxy, nothing behind them';
}

/** Who asks, and where they can be reached (RFC 9110 10.1.5). */
const PRODUCT = 'skyhaul/0.1';
const HOME = '+https://github.com/skyhaul/skyhaul';

export interface AgentWords {
  readonly userAgent?: string | undefined;
  /** E-mail address or URL; it needs no quoting in a comment. */
  readonly contact?: string | undefined;
}

/** `skyhaul/0.1 (+https://…; me@example.com)`; a name of one's own is kept, with the contact behind it. */
export function userAgentOf({ userAgent, contact }: AgentWords = {}): string {
  if (userAgent === undefined) return `${PRODUCT} (${contact === undefined ? HOME : `${HOME}; ${contact}`})`;
  return contact === undefined ? userAgent : `${userAgent} (${contact})`;
}

/** Who a robots.txt may speak of (RFC 9309 2.2.1): the letters, `_` and `-` that a User-Agent begins with. */
export function productToken(userAgent: string): string {
  return /^[A-Za-z_-]+/.exec(userAgent.trim())?.[0] ?? '*';
}

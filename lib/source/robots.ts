import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import { RobotsCache, type Site } from './robots-cache.ts';
import { ALLOW_ALL, FORBID_ALL, parseRobots, type RobotsRules } from './robots-rules.ts';
import { productToken } from './user-agent.ts';

/**
 * The robots.txt of every origin that an invocation asks (RFC 9309): read once, by whichever lane comes first, before
 * anything else is asked there. One that is not there allows all; one that cannot be read forbids all, after as many tries
 * as a file gets in a lane, and for this invocation only. What it says of a delay is passed on, and waited for elsewhere.
 */
export interface RobotsOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Shared with other invocations in this process. @default one of its own */
  readonly cache?: RobotsCache | undefined;
}

export interface Hop {
  readonly url: URL;
  readonly userAgent: string;
  /** Reads a robots.txt; throws what a source throws. */
  readonly read: (url: string) => Promise<string>;
}

const MOST_FAILURES = 3;

export class Robots {
  readonly #now: () => number;
  readonly #cache: RobotsCache;
  /** Of the origins whose robots.txt could not be read, how often. */
  readonly #failures = new Map<string, number>();

  constructor({ now, cache = new RobotsCache() }: RobotsOptions) {
    this.#now = now;
    this.#cache = cache;
  }

  /**
   * Resolves with the milliseconds that are to lie between two requests, when the URL may be asked. Throws
   * RobotsDisallowed, and what reading the robots.txt ends with.
   */
  async admit(hop: Hop): Promise<number> {
    const { url, userAgent } = hop;
    const site = this.#cache.siteOf(url.origin, this.#now());
    const rules = site.rules ?? (await this.#learn(site, hop));
    const token = productToken(userAgent);
    const line = rules.forbids(url, token);
    if (line !== undefined) throw disallowed(url, token, line);
    return rules.delayMs(token);
  }

  /** One lane at a time; what one of them could not read, the next one tries for itself. */
  async #learn(site: Site, hop: Hop): Promise<RobotsRules> {
    const before = site.turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    site.turn = promise;
    await before;
    try {
      return site.rules ?? (await this.#read(site, hop));
    } finally {
      resolve();
    }
  }

  async #read(site: Site, { url, read }: Hop): Promise<RobotsRules> {
    const failures = this.#failures.get(url.origin) ?? 0;
    if (failures >= MOST_FAILURES) return FORBID_ALL;
    let [rules, characters] = [ALLOW_ALL, 0];
    try {
      const text = await read(`${url.origin}/robots.txt`);
      [rules, characters] = [parseRobots(url.origin, text), text.length];
    } catch (error) {
      const failure = toSkyhaulError(error);
      const more = failure.retryable && failure.name !== 'Interrupted' ? 1 : 0;
      this.#failures.set(url.origin, failures + more);
      const verdict = judgeFailure(failure, failures + more);
      if (verdict === 'throw') throw failure;
      if (verdict === 'forbid') rules = FORBID_ALL;
      // Whoever comes later may find it again.
      if (failure.retryable) return rules;
    }
    this.#cache.keep(site, rules, characters, this.#now());
    return rules;
  }
}

/**
 * What follows when there is no robots.txt to read (RFC 9309 2.3.1): pure. `throw`: for now, or because the origin cannot
 * be asked for anything else either.
 */
export function judgeFailure(error: SkyhaulError, failures: number): 'allow' | 'forbid' | 'throw' {
  const { name, details, retryable } = error;
  if (name === 'Interrupted') return 'throw';
  if (retryable) return failures < MOST_FAILURES ? 'throw' : 'forbid';
  // 2.3.1.2: of more than five redirects one may think as of a file that is not there.
  if (name === 'TooManyRedirects' || name === 'RedirectRefused') return 'allow';
  if (details.status === undefined) return name === 'ProtocolError' || name === 'HeadersTooLarge' ? 'forbid' : 'throw';
  return details.status >= 500 ? 'forbid' : 'allow';
}

function disallowed(url: URL, token: string, line: number): SkyhaulError {
  const why = line === 0 ? 'cannot be read, which forbids everything' : `forbids it to ${token} in line ${line}`;
  return new SkyhaulError('RobotsDisallowed', `${redactUrl(url.href)}: the robots.txt of ${url.host} ${why}`, {
    host: url.host,
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import { ALLOW_ALL, FORBID_ALL, parseRobots, type RobotsRules } from './robots-rules.ts';
import { productToken } from './user-agent.ts';

/**
 * The robots.txt of every origin that an invocation asks (RFC 9309): read once, by whichever lane comes first, before
 * anything else is asked there, and kept in bounded memory. One that is not there allows all; one that cannot be read
 * forbids all, after as many tries as a file gets in a lane. A Crawl-delay holds for all lanes of the invocation together.
 */
export interface RobotsOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** @default a timer */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Hop {
  readonly url: URL;
  readonly userAgent: string;
  readonly signal: AbortSignal;
  /** Reads a robots.txt; throws what a source throws. */
  readonly read: (url: string) => Promise<string>;
}

/** What is known of an origin. */
interface Site {
  rules: RobotsRules | undefined;
  characters: number;
  failures: number;
  /** Resolves when whoever reads its robots.txt now has ended. */
  turn: Promise<void>;
  /** Of the next request, epoch milliseconds. */
  freeAt: number;
}

const MOST_FAILURES = 3;
/** Texts that are kept; the rules made of them take a few times as much. */
const MAX_KEPT_CHARACTERS = 8 * 1024 * 1024;
const MAX_SITES = 10_000;

export class Robots {
  readonly #now: () => number;
  readonly #pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #sites = new Map<string, Site>();
  #kept = 0;

  constructor({ now, pause = waitFor }: RobotsOptions) {
    this.#now = now;
    this.#pause = pause;
  }

  /** Resolves when the URL may be asked. Throws RobotsDisallowed, and what reading the robots.txt ends with. */
  async admit(hop: Hop): Promise<void> {
    const { url, userAgent, signal } = hop;
    const site = this.#siteOf(url.origin);
    const rules = site.rules ?? (await this.#learn(site, hop));
    const token = productToken(userAgent);
    const line = rules.forbids(url, token);
    if (line !== undefined) throw disallowed(url, token, line);
    const delayMs = rules.delayMs(token);
    if (delayMs === 0) return;
    const now = this.#now();
    const startAt = Math.max(now, site.freeAt);
    site.freeAt = startAt + delayMs;
    if (startAt > now) await this.#pause(startAt - now, signal);
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
    try {
      const text = await read(`${url.origin}/robots.txt`);
      site.rules = parseRobots(url.origin, text);
      site.characters = text.length;
      this.#kept += text.length;
      this.#forget(site);
    } catch (error) {
      const failure = toSkyhaulError(error);
      if (failure.retryable) site.failures += 1;
      const verdict = judgeFailure(failure, site.failures);
      if (verdict === 'throw') throw failure;
      site.rules = verdict === 'allow' ? ALLOW_ALL : FORBID_ALL;
    }
    return site.rules;
  }

  #siteOf(origin: string): Site {
    const known = this.#sites.get(origin);
    if (known) return known;
    const site = { rules: undefined, characters: 0, failures: 0, turn: Promise.resolve(), freeAt: 0 };
    this.#sites.set(origin, site);
    this.#forget(site);
    return site;
  }

  /** The oldest, which would be read again. */
  #forget(except: Site): void {
    for (const [origin, site] of this.#sites) {
      if (this.#kept <= MAX_KEPT_CHARACTERS && this.#sites.size <= MAX_SITES) return;
      if (site === except) continue;
      this.#sites.delete(origin);
      this.#kept -= site.characters;
    }
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

async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  // Whoever asks next finds out why.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

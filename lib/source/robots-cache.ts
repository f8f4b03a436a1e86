import { CrawlTurns } from './crawl-turns.ts';
import type { RobotsRules } from './robots-rules.ts';

/**
 * The robots.txt files that one process has read, for whoever is at work in it: in bounded memory, and for a day, which is
 * as long as RFC 9309 2.4 lets anybody rely on one. Also whose turn it is at hosts that want some time between requests.
 */
export interface Site {
  readonly origin: string;
  rules: RobotsRules | undefined;
  /** Epoch milliseconds. */
  readAt: number;
  characters: number;
  /** Resolves when whoever reads its robots.txt now has ended. */
  turn: Promise<void>;
}

/** Texts that are kept; the rules made of them take a few times as much. */
const MAX_KEPT_CHARACTERS = 8 * 1024 * 1024;
const MAX_SITES = 10_000;
const MAX_AGE_MS = 24 * 3_600_000;

export class RobotsCache {
  readonly turns = new CrawlTurns();
  readonly #sites = new Map<string, Site>();
  #kept = 0;

  siteOf(origin: string, nowMs: number): Site {
    const known = this.#sites.get(origin);
    if (known) {
      if (nowMs - known.readAt >= MAX_AGE_MS) this.#put(known, undefined, 0);
      return known;
    }
    const site = { origin, rules: undefined, readAt: nowMs, characters: 0, turn: Promise.resolve() };
    this.#sites.set(origin, site);
    this.#forget(site);
    return site;
  }

  keep(site: Site, rules: RobotsRules, characters: number, nowMs: number): void {
    site.readAt = nowMs;
    // One that was forgotten meanwhile lives on only for those who wait for it.
    const isKept = this.#sites.get(site.origin) === site;
    this.#put(site, rules, isKept ? characters : 0);
    this.#forget(site);
  }

  #put(site: Site, rules: RobotsRules | undefined, characters: number): void {
    site.rules = rules;
    this.#kept += characters - site.characters;
    site.characters = characters;
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

import type { Options } from '../contract/options.ts';
import { CrawlTurns } from '../source/crawl-turns.ts';
import { Robots } from '../source/robots.ts';
import type { MayAsk, SourceClient } from '../source/source.ts';
import { createSourceClient } from '../source/source-client.ts';
import { userAgentOf } from '../source/user-agent.ts';
import type { Effects } from './effects.ts';

/**
 * Opens the clients of one call. They share what they have learned from the robots.txt of each host, where it is to be
 * obeyed: what it forbids, and whose turn it is where it wants some time between two requests.
 */
export function sourceClients(
  options: Options,
  allowNetworks: readonly string[],
  effects: Effects,
): () => SourceClient {
  const { now } = effects;
  const policy = { ...options, userAgent: userAgentOf(options.request) };
  const polite = options.robots === true ? { robots: new Robots({ now }), mayAsk: inTurn(effects) } : undefined;
  return () => createSourceClient({ policy, allowNetworks, now, ...polite });
}

function inTurn({ now, pause }: Effects): MayAsk {
  const turns = new CrawlTurns();
  return async ({ host }, delayMs, signal) => {
    if (delayMs === 0) return;
    const startAt = turns.take({ host, delayMs, share: { number: 0, of: 1 }, isFresh: true }, now());
    await pause(Math.max(0, startAt - now()), signal);
  };
}

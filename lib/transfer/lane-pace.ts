import { setTimeout as sleep } from 'node:timers/promises';
import type { HostLimits } from '../contract/host-limits.ts';
import type { LaneShare } from '../contract/work.ts';
import type { CrawlTurns, TurnShare } from '../source/crawl-turns.ts';
import { type SlotShare, type Slots, startSlots, takeSlot } from './request-slots.ts';

export interface PaceOptions {
  readonly limits: HostLimits;
  /** Nothing of this run was asked for before. */
  readonly isFresh: boolean;
  readonly now: () => number;
  /** Waits; ends early when the attempt stops. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Of hosts whose robots.txt wants some time between two requests. */
  readonly turns: CrawlTurns;
  /** They are shared with everybody who works on this run, so that nobody else has to be thought of. */
  readonly isAlone: boolean;
}

/** What a lane waited for before its item began is good for so long; then the item waits again. */
const READY_MS = 1_000;

/**
 * Keeps the requests of one lane to the rates of their hosts, retries, ranges and hops of redirects included, and to the
 * delays that robots.txt files want. Plan knows which hosts a lane asks and what its share of them is. Of a host that it is
 * led to unforeseen, the lanes of an invocation take one share together (`Strangers`).
 */
export class LanePace {
  readonly #options: PaceOptions;
  readonly #share: LaneShare;
  readonly #own: ReadonlySet<string>;
  readonly #strangers: Strangers;
  readonly #slots = new Map<string, Slots>();
  /** Hosts that want a delay: it is waited for when they are asked. */
  readonly #delaying = new Set<string>();
  /** Waited for, and not used yet; epoch milliseconds. */
  #ready: { readonly host: string; readonly until: number } | undefined;

  constructor(options: PaceOptions, share: LaneShare, hosts: Iterable<string>, strangers: Strangers) {
    this.#options = options;
    this.#share = share;
    this.#own = new Set([...hosts, ...(share.leads ?? [])]);
    this.#strangers = strangers;
  }

  /** Waits before an item is begun, so that whoever is stopped meanwhile has begun nothing. */
  async beReady(host: string): Promise<void> {
    if (this.#isReady(host) || this.#delaying.has(host)) return;
    await this.#wait(host);
    this.#ready = { host, until: this.#options.now() + READY_MS };
  }

  /** Waits until a request to the host may be sent, or `signal` ends it. `delayMs`: that its robots.txt wants; 0: none. */
  async mayAsk(host: string, delayMs: number, signal: AbortSignal): Promise<void> {
    const isReady = this.#isReady(host);
    if (this.#ready?.host === host) this.#ready = undefined;
    if (delayMs > 0) return await this.#waitForTurn(host, delayMs, signal);
    if (!isReady) await this.#wait(host);
  }

  #isReady(host: string): boolean {
    return this.#ready?.host === host && this.#options.now() <= this.#ready.until;
  }

  async #wait(host: string): Promise<void> {
    if (!this.#own.has(host)) return await this.#strangers.wait(host);
    const rate = this.#options.limits.rateOf(host);
    if (rate === undefined) return;
    const { number, of } = this.#share;
    await waitForSlot(this.#slots, host, { rate, number, of }, this.#options);
  }

  /** The stricter one of delay and rate counts, without a burst. */
  async #waitForTurn(host: string, wantedMs: number, signal: AbortSignal): Promise<void> {
    const { limits, turns, isFresh, isAlone, now } = this.#options;
    this.#delaying.add(host);
    const delayMs = Math.max(wantedMs, 1_000 / (limits.rateOf(host)?.perSecond ?? Number.POSITIVE_INFINITY));
    const share = isAlone ? ALONE : this.#own.has(host) ? (this.#share.worker ?? ALONE) : this.#strangers.shareOf(host);
    const waitMs = turns.take({ host, delayMs, share, isFresh }, now()) - now();
    if (waitMs > 0) await sleepUntilStopped(Math.ceil(waitMs), signal);
  }
}

const ALONE: TurnShare = { number: 0, of: 1 };

/** Hosts that nobody foresaw: those that unknown redirects lead to. */
export class Strangers {
  readonly #options: PaceOptions;
  readonly #shard: number;
  readonly #shards: number;
  readonly #slots = new Map<string, Slots>();

  /** `shards` of the round: any of them may be led to the same host. */
  constructor(options: PaceOptions, shard: number, shards: number) {
    this.#options = options;
    this.#shard = shard;
    this.#shards = shards;
  }

  async wait(host: string): Promise<void> {
    const rate = this.#options.limits.rateOf(host);
    if (rate === undefined) return;
    await waitForSlot(this.#slots, host, { rate, ...this.shareOf(host) }, this.#options);
  }

  /** With very many shards a share of each would be next to nothing: then it is that of one connection. */
  shareOf(host: string): TurnShare {
    const of = Math.min(this.#shards, this.#options.limits.connectionsOf(host));
    return { number: this.#shard % of, of };
  }
}

async function waitForSlot(known: Map<string, Slots>, host: string, share: SlotShare, options: PaceOptions) {
  const { now, isFresh } = options;
  const before = known.get(host) ?? startSlots(share, now(), isFresh);
  const { startAt, slots } = takeSlot(before, share, now());
  known.set(host, slots);
  const waitMs = startAt - now();
  if (waitMs > 0) await options.sleep(Math.ceil(waitMs));
}

/** Ends without an error when the signal does: whoever waited looks at it. */
export function sleepUntilStopped(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined);
}

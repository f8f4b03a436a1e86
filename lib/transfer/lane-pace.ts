import { setTimeout as sleep } from 'node:timers/promises';
import type { HostLimits } from '../contract/host-limits.ts';
import type { LaneShare } from '../contract/work.ts';
import { type SlotShare, type Slots, startSlots, takeSlot } from './request-slots.ts';

export interface PaceOptions {
  readonly limits: HostLimits;
  /** Nothing of this run was asked for before. */
  readonly isFresh: boolean;
  readonly now: () => number;
  /** Waits; ends early when the attempt stops. */
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * Keeps the requests of one lane to the rates of their hosts: retries, ranges and hops of redirects included. Plan knows
 * which hosts a lane asks and what its share of them is. Of a host that it is led to unforeseen, the lanes of an invocation
 * take one share together (`Strangers`).
 */
export class LanePace {
  readonly #options: PaceOptions;
  readonly #share: LaneShare;
  readonly #own: ReadonlySet<string>;
  readonly #strangers: Strangers;
  readonly #slots = new Map<string, Slots>();
  /** Waited for, and not used yet. */
  #ready: string | undefined;

  constructor(options: PaceOptions, share: LaneShare, hosts: Iterable<string>, strangers: Strangers) {
    this.#options = options;
    this.#share = share;
    this.#own = new Set([...hosts, ...(share.leads ?? [])]);
    this.#strangers = strangers;
  }

  /** Waits before an item is begun, so that whoever is stopped meanwhile has begun nothing. */
  async beReady(host: string): Promise<void> {
    if (this.#ready === host) return;
    await this.#wait(host);
    this.#ready = host;
  }

  /** Waits until a request to the host may be sent. */
  async mayAsk(host: string): Promise<void> {
    if (this.#ready !== host) return await this.#wait(host);
    this.#ready = undefined;
  }

  async #wait(host: string): Promise<void> {
    if (!this.#own.has(host)) return await this.#strangers.wait(host);
    const rate = this.#options.limits.rateOf(host);
    if (rate === undefined) return;
    const { number, of } = this.#share;
    await waitForSlot(this.#slots, host, { rate, number, of }, this.#options);
  }
}

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
    const { limits } = this.#options;
    const rate = limits.rateOf(host);
    if (rate === undefined) return;
    // With very many shards a share of each would be next to nothing: then it is that of one connection.
    const of = Math.min(this.#shards, limits.connectionsOf(host));
    const number = this.#shard % of;
    await waitForSlot(this.#slots, host, { rate, number, of }, this.#options);
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

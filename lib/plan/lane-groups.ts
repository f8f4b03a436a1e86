import type { HostLimits } from '../contract/host-limits.ts';
import { type Leads, leadsAnywhere } from '../ledger/leads.ts';

/** Hosts that share lanes. */
export interface LaneGroup {
  /** The name of one of them. */
  readonly key: string;
  /** Lanes that it may have, in all shards together. */
  readonly connections: number;
}

/** At a low rate more lanes would only wait for each other: no more than there are requests in so many seconds. */
const RATE_SECONDS = 10;

/**
 * Which hosts share lanes, pure. A lane connects to the host of its items and to wherever that one redirects; so hosts that
 * lead to each other, over whatever third, are cut into lanes together, and of those there are as many as the least of
 * their limits.
 */
export class LaneGroups {
  readonly #limits: HostLimits;
  readonly #leads: ReadonlyMap<string, readonly string[]>;
  readonly #delays: ReadonlyMap<string, number>;
  readonly #parents = new Map<string, string>();
  /** Of hosts that share. All others are a group of their own, and there may be a million of them. */
  readonly #groups = new Map<string, LaneGroup>();

  constructor(limits: HostLimits, leads: Leads = {}, delays: ReadonlyMap<string, number> = new Map()) {
    this.#limits = limits;
    this.#delays = delays;
    this.#leads = new Map(Object.entries(leads).filter(([, to]) => !leadsAnywhere(to)));
    for (const [host, to] of this.#leads) for (const other of to) this.#join(host, other);
    for (const host of this.#parents.keys()) {
      const key = this.#rootOf(host);
      const connections = Math.min(this.#lanesOf(host), this.#groups.get(key)?.connections ?? Number.POSITIVE_INFINITY);
      this.#groups.set(key, { key, connections });
    }
  }

  /** Bound, to be handed on. */
  readonly groupOf = (host: string): LaneGroup => {
    const key = this.#rootOf(host);
    return this.#groups.get(key) ?? { key, connections: this.#lanesOf(host) };
  };

  /** Other hosts that its items are led to, as far as that says anything about the next one. */
  leadsOf(host: string): readonly string[] {
    return this.#leads.get(host) ?? [];
  }

  #lanesOf(host: string): number {
    const perSecond = Math.min(
      this.#limits.rateOf(host)?.perSecond ?? Number.POSITIVE_INFINITY,
      1_000 / (this.#delays.get(host) ?? 0),
    );
    return Math.min(this.#limits.connectionsOf(host), Math.ceil(perSecond * RATE_SECONDS));
  }

  #join(one: string, other: string): void {
    const root = this.#rootOf(other);
    this.#parents.set(root, root);
    this.#parents.set(this.#rootOf(one), root);
    this.#parents.set(one, root);
  }

  /** Leaves the way shorter behind than it found it, or fifty thousand hosts would stand in one line. */
  #rootOf(host: string): string {
    if (!this.#parents.has(host)) return host;
    const way: string[] = [];
    let root = host;
    for (let parent = this.#parents.get(root); parent !== undefined && parent !== root; ) {
      way.push(root);
      root = parent;
      parent = this.#parents.get(root);
    }
    for (const step of way) this.#parents.set(step, root);
    return root;
  }
}

import { breaksOff, isMissing, type World } from './world.ts';

/** How an attempt ends, and milliseconds until it does. */
export type Answer =
  | { readonly kind: 'body' | 'missing' | 'broken' | 'dead'; readonly ms: number }
  | { readonly kind: 'throttled'; readonly ms: number; readonly retryAfterMs: number };

export interface Asked {
  readonly item: number;
  /** How often this item was asked for before. */
  readonly attempt: number;
  readonly bytes: number;
  readonly now: number;
  /** The connection has to be made first. */
  readonly isNew: boolean;
  /** What the asking worker's own network allows this connection, bytes a millisecond. */
  readonly paceLimit: number;
}

/** TCP and TLS: two round trips, a little more than half of what a request takes. */
const CONNECT_SHARE = 0.6;
const CONNECT_TIMEOUT_MS = 10_000;
/** So many connections' worth of bandwidth a host has in all; the rest only divide it. */
const CONNECTIONS_WORTH = 16;

/** The hosts at work: who is connected, who asks too often. Also the referee: `limit` is what they are to be spared. */
export class Hosts {
  readonly #world: World;
  readonly #limit: number;
  readonly #open: Int32Array;
  readonly #peak: Int32Array;
  readonly #tokens: Float32Array;
  readonly #filledAt: Float64Array;
  requests = 0;
  throttled = 0;
  /** Requests that came while their host had more connections than the limit. */
  above = 0;

  constructor(world: World, limit: number) {
    this.#world = world;
    this.#limit = limit;
    this.#open = new Int32Array(world.hosts);
    this.#peak = new Int32Array(world.hosts);
    this.#tokens = Float32Array.from(world.perSecond, (perSecond) => 2 * perSecond);
    this.#filledAt = new Float64Array(world.hosts);
  }

  connect(host: number): void {
    const open = (this.#open[host] as number) + 1;
    this.#open[host] = open;
    if (open > (this.#peak[host] as number)) this.#peak[host] = open;
  }

  disconnect(host: number): void {
    this.#open[host] = (this.#open[host] as number) - 1;
  }

  get open(): number {
    return this.#open.reduce((sum, open) => sum + open, 0);
  }

  get peak(): number {
    return this.#peak.reduce((most, peak) => Math.max(most, peak), 0);
  }

  get hostsAbove(): number {
    return this.#peak.reduce((count, peak) => count + (peak > this.#limit ? 1 : 0), 0);
  }

  /** One request on a connection that is open. */
  ask({ item, attempt, bytes, now, isNew, paceLimit }: Asked): Answer {
    const world = this.#world;
    const host = world.hostOf[item] as number;
    const open = this.#open[host] as number;
    this.requests += 1;
    if (open > this.#limit) this.above += 1;
    if (world.isDead[host]) return { kind: 'dead', ms: CONNECT_TIMEOUT_MS };
    const latency = world.latencyMs[host] as number;
    const ms = latency * (isNew ? 1 + CONNECT_SHARE : 1);
    if (this.#isTooMuch(host, open, now)) {
      this.throttled += 1;
      return { kind: 'throttled', ms, retryAfterMs: world.retryAfterMs[host] as number };
    }
    if (isMissing(world, item)) return { kind: 'missing', ms };
    const pace = Math.min((world.bytesPerMs[host] as number) * Math.min(1, CONNECTIONS_WORTH / open), paceLimit);
    if (breaksOff(world, item, attempt)) return { kind: 'broken', ms: ms + bytes / pace / 2 };
    return { kind: 'body', ms: ms + bytes / pace };
  }

  #isTooMuch(host: number, open: number, now: number): boolean {
    const tolerance = this.#world.tolerance[host] as number;
    if (tolerance > 0 && open > tolerance) return true;
    const perSecond = this.#world.perSecond[host] as number;
    if (perSecond === 0) return false;
    const filled = (this.#tokens[host] as number) + ((now - (this.#filledAt[host] as number)) / 1_000) * perSecond;
    const tokens = Math.min(2 * perSecond, filled);
    this.#filledAt[host] = now;
    this.#tokens[host] = tokens < 1 ? tokens : tokens - 1;
    return tokens < 1;
  }
}

import { HostLimits } from '../contract/host-limits.ts';
import type { LedgerRow } from '../contract/ledger-row.ts';
import { KiB } from '../contract/limits.ts';
import type { ItemWork, ShardHeader } from '../contract/work.ts';
import { mayLearn } from '../ledger/leads.ts';
import { CrawlTurns } from '../source/crawl-turns.ts';
import { HostSeats } from '../source/host-seats.ts';
import type { SourceClient } from '../source/source.ts';
import { BytePace, pacedClient } from './byte-pace.ts';
import { LanePace, type PaceOptions, Strangers, sleepUntilStopped } from './lane-pace.ts';

/** With less a part might not fit into an invocation: fewer lanes run at once. */
const LEAST_BYTES_PER_LANE = 64 * KiB;

export interface PolitenessOptions {
  readonly header: ShardHeader;
  /** No attempt of this run has been at work on this shard, nor on any before. */
  readonly isFresh: boolean;
  readonly now: () => number;
  /** Ends waits. */
  readonly signal: AbortSignal;
  readonly record: (row: LedgerRow) => void;
  /** Shared by all invocations of the run, in-process; none: this one knows of no other. */
  readonly turns?: CrawlTurns | undefined;
}

/**
 * What the lanes of one invocation owe to hosts and to the run beside being lanes: rates, delays, `maxBytesPerSecond`, and at
 * hosts that redirects lead to, no more connections than those may have. Writes down where hosts lead to, for the next round.
 */
export class Politeness {
  readonly seats: HostSeats;
  readonly #options: PolitenessOptions;
  readonly #pace: PaceOptions;
  readonly #strangers: Strangers;
  readonly #bytes: BytePace | undefined;
  readonly #wanted = new Map<string, number>();
  readonly #led = new Map<string, Set<string>>();

  constructor(options: PolitenessOptions) {
    const { header, isFresh, now, signal, turns } = options;
    const limits = new HostLimits(header.options);
    const sleep = (ms: number) => sleepUntilStopped(ms, signal);
    this.#options = options;
    const isAlone = turns !== undefined;
    this.#pace = { limits, isFresh, now, sleep, turns: turns ?? new CrawlTurns(), isAlone };
    this.#strangers = new Strangers(this.#pace, header.shard, header.shards);
    this.#bytes = header.bytesPerSecond === undefined ? undefined : new BytePace(header.bytesPerSecond, now, sleep);
    this.seats = new HostSeats((host) => limits.connectionsOf(host));
  }

  slots(most: number): number {
    const { bytesPerSecond } = this.#options.header;
    if (bytesPerSecond === undefined) return most;
    return Math.max(1, Math.min(most, Math.floor(bytesPerSecond / LEAST_BYTES_PER_LANE)));
  }

  paced(client: SourceClient): SourceClient {
    return this.#bytes === undefined ? client : pacedClient(client, this.#bytes);
  }

  lanePace(lane: readonly ItemWork[], hostOf: (work: ItemWork) => string): LanePace {
    const { shares, options } = this.#options.header;
    const hosts = this.#pace.limits.hasRates || options.robots ? new Set(lane.map(hostOf)) : [];
    const share = shares?.[lane[0]?.lane ?? -1];
    return new LanePace(this.#pace, share ?? { number: 0, of: 1 }, hosts, this.#strangers);
  }

  /** The robots.txt of a host wants a delay: with fewer lanes fewer of them would wait for each other. */
  wants(host: string, delayMs: number): void {
    const ms = Math.ceil(delayMs);
    if (ms <= (this.#wanted.get(host) ?? 0)) return;
    this.#wanted.set(host, ms);
    this.#options.record({ row: 'delay', host, ms });
  }

  /** A request for an item of one host goes to another one. */
  wasLed(host: string, to: string): void {
    const known = this.#led.get(host) ?? new Set();
    if (host === to || !mayLearn(known, to)) return;
    this.#led.set(host, known.add(to));
    this.#options.record({ row: 'redirect', host, to });
  }
}

import type { HostRow } from '../contract/ledger-row.ts';
import type { ErrorName } from '../errors/catalogue.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { sleepUntilStopped } from './lane-pace.ts';
import { MAX_SLEEP_MS } from './retry-policy.ts';

/**
 * The hosts of one invocation that refuse, each for itself: what one lane is told counts for every lane of that host. A
 * short Retry-After makes all of them wait; a longer one, or the third refusal in a row over more than one item, one of
 * which had waited and tried again, parks the host: nobody asks it before that time, and the ledger says so. A name that does not exist is not looked up
 * for each of its items. Never lets one host answer for another: behind a redirect it is the final host that counts.
 */
export interface HostsOptions {
  readonly now: () => number;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  /** Ends waits. */
  readonly signal: AbortSignal;
  readonly record: (row: HostRow) => void;
}

export interface Asker {
  readonly index: number;
  /** Sent ahead to a host that has refused before: one more refusal is enough. */
  readonly isProbe: boolean;
}

/** They are no answer of the source, or say that it answers nobody. */
const REFUSALS: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'DnsUnavailable',
  'ConnectFailed',
  'ConnectTimeout',
  'ProxyFailed',
  'HeadersTimeout',
  'HostNotFound',
  'Throttled',
]);
const REFUSALS_IN_A_ROW = 3;
/** Enough where nobody tries again, since `attempts` is 1. */
const REFUSALS_AT_MOST = 12;
const FIRST_PARKING_MS = 15_000;
const MAX_PARKING_MS = 600_000;

interface Circuit {
  refusals: number;
  /** Items that were refused. */
  readonly items: Set<number>;
  /** One of them twice: it was more than a moment in which all lanes were refused together. */
  isTwice: boolean;
  parkings: number;
  /** Epoch milliseconds; 0: it was never parked. */
  until: number;
  /** Of the last refusal. */
  error: SkyhaulError;
  isGone: boolean;
}

export class HostCircuits {
  readonly #options: HostsOptions;
  readonly #circuits = new Map<string, Circuit>();
  /** Of the hosts that have asked for one, while it runs. Apart from the circuits: no answer ends it. */
  readonly #pauses = new Map<string, Promise<void>>();
  readonly #closed = new AbortController();

  constructor(options: HostsOptions) {
    this.#options = options;
  }

  /** What earlier attempts on this shard were told. */
  restore(rows: Iterable<HostRow>): void {
    for (const { host, error, message, status, notBefore } of rows) {
      const told = new SkyhaulError(error, message, { host, ...(status !== undefined && { status }) });
      const circuit = this.#circuitOf(host, told);
      circuit.refusals = REFUSALS_AT_MOST;
      circuit.items.add(-1);
      circuit.until = notBefore;
      circuit.parkings = 1;
    }
  }

  isParked(host: string): boolean {
    return (this.#circuits.get(host)?.until ?? 0) > this.#options.now();
  }

  /** Why nobody asks this host now; `isUnasked`, with the time until it may be asked again. */
  refusalOf(host: string): SkyhaulError | undefined {
    const circuit = this.#circuits.get(host);
    if (circuit === undefined || !(circuit.isGone || this.isParked(host))) return undefined;
    const { name, message, details } = circuit.error;
    const { status } = details;
    const retryAfterMs = Math.max(0, circuit.until - this.#options.now());
    return new SkyhaulError(name, message, {
      host,
      isUnasked: true,
      ...(status !== undefined && { status }),
      ...(!circuit.isGone && { retryAfterMs }),
    });
  }

  /** Waits as long as the host has asked everybody to, if that is short. Throws what `refusalOf` says. */
  async mayAsk(host: string): Promise<void> {
    // A lane under way may be told of a longer one while this one runs.
    for (let pause = this.#pauses.get(host); pause !== undefined; pause = this.#pauses.get(host)) await pause;
    const refusal = this.refusalOf(host);
    if (refusal !== undefined) throw refusal;
  }

  answered(host: string): void {
    const circuit = this.#circuits.get(host);
    // Who was under way before says nothing about who comes now. Nor does a pause end: the host has asked for all of it.
    if (circuit !== undefined && !this.isParked(host)) this.#circuits.delete(host);
  }

  /** An attempt failed whose last request went to this host ('': to none). Milliseconds for which it is parked, if it is. */
  failed(host: string, error: SkyhaulError, asker: Asker): number | undefined {
    const { status, retryAfterMs, isUnasked } = error.details;
    if (isUnasked) return retryAfterMs;
    if (host === '') return undefined;
    const isRefusal = REFUSALS.has(error.name) || (error.retryable && retryAfterMs !== undefined);
    if (!isRefusal && status !== undefined) this.answered(host);
    if (isRefusal) this.#refused(host, error, asker);
    return this.refusalOf(host)?.details.retryAfterMs;
  }

  /** Nobody waits here any more. */
  close(): void {
    this.#closed.abort();
  }

  #refused(host: string, error: SkyhaulError, { index, isProbe }: Asker): void {
    const circuit = this.#circuitOf(host, error);
    circuit.error = error;
    circuit.refusals += 1;
    // Whoever is not to try again is sure already.
    circuit.isTwice ||= circuit.items.has(index) || !error.retryable;
    if (circuit.items.size < REFUSALS_AT_MOST) circuit.items.add(index);
    const askedMs = error.retryable ? error.details.retryAfterMs : undefined;
    const most = circuit.isTwice ? REFUSALS_IN_A_ROW : REFUSALS_AT_MOST;
    const isEnough = isProbe || (circuit.refusals >= most && circuit.items.size > 1);
    if (error.name === 'HostNotFound') circuit.isGone = isEnough;
    else if (isEnough || (askedMs ?? 0) > MAX_SLEEP_MS) this.#park(host, circuit, askedMs ?? 0);
    else if (askedMs !== undefined) this.#pause(host, askedMs);
  }

  #park(host: string, circuit: Circuit, askedMs: number): void {
    const { now, random, record } = this.#options;
    const wasParked = this.isParked(host);
    const most = Math.min(MAX_PARKING_MS, FIRST_PARKING_MS * 2 ** circuit.parkings);
    const until = Math.round(now() + Math.max(askedMs, FIRST_PARKING_MS + random() * most));
    // Lanes that were under way hear the same once more; only a host that wants more time is written down again.
    if (wasParked && now() + askedMs <= circuit.until) return;
    circuit.until = until;
    if (!wasParked) circuit.parkings += 1;
    const { name, message, details } = circuit.error;
    const { status } = details;
    record({ row: 'host', host, error: name, message, ...(status !== undefined && { status }), notBefore: until });
  }

  #pause(host: string, ms: number): void {
    const signal = AbortSignal.any([this.#options.signal, this.#closed.signal]);
    const asked = sleepUntilStopped(ms, signal);
    // The longest counts. Forgotten before whoever awaits it goes on, unless another has taken its place.
    const pause: Promise<void> = Promise.all([this.#pauses.get(host), asked]).then(() => {
      if (this.#pauses.get(host) === pause) this.#pauses.delete(host);
    });
    this.#pauses.set(host, pause);
  }

  #circuitOf(host: string, error: SkyhaulError): Circuit {
    const known = this.#circuits.get(host);
    if (known !== undefined) return known;
    const circuit: Circuit = {
      refusals: 0,
      items: new Set(),
      isTwice: false,
      parkings: 0,
      until: 0,
      error,
      isGone: false,
    };
    this.#circuits.set(host, circuit);
    return circuit;
  }
}

import type { HostRow } from '../contract/ledger-row.ts';
import type { ErrorName } from '../errors/catalogue.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { sleepUntilStopped } from './lane-pace.ts';
import { MAX_SLEEP_MS } from './retry-policy.ts';

/**
 * The hosts of one invocation that refuse, each for itself: what one lane is told counts for every lane of that host. A
 * short Retry-After makes all of them wait; a longer one, or so many refusals in a row that more would be of no use
 * (`isEnough`), parks the host: nobody asks it before that time, and the ledger says so. A name that does not exist is not
 * looked up for each of its items. Never lets one host answer for another: behind a redirect it is the final host that
 * counts.
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
  /** Sent ahead to a host that has refused before: until it answers, it is given less time than others. */
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
/** Tries of one item: of a host that says nothing at all, and of one that at least answers 429 or 503. */
const TRIES = { silent: 2, speaking: 3 };
/** Enough where nobody tries again, since `attempts` is 1. */
const REFUSALS_AT_MOST = 12;
/** All pauses in a row that a host may ask for here, where waiting is paid for. */
const MAX_PATIENCE_MS = 30_000;
const FIRST_PARKING_MS = 15_000;
const MAX_PARKING_MS = 600_000;

interface Circuit {
  /** In a row. */
  refusals: number;
  /** Items that were refused, and how often; some of them where they are many. */
  readonly items: Map<number, number>;
  /** Of the item that was refused most often. */
  mostTries: number;
  /** All pauses that it asked for since it last answered, and when the last of them ends (epoch milliseconds). */
  pausedMs: number;
  pausedUntil: number;
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
  /** To whom probes need not be sent any more. */
  readonly #answered = new Set<string>();
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
      circuit.items.set(-1, REFUSALS_AT_MOST);
      circuit.mostTries = REFUSALS_AT_MOST;
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

  /** Whoever waited for something else meanwhile has to ask `mayAsk` again. */
  mustWait(host: string): boolean {
    return this.#pauses.has(host) || this.refusalOf(host) !== undefined;
  }

  answered(host: string): void {
    const circuit = this.#circuits.get(host);
    // Who was under way before says nothing about who comes now. Nor does a pause end: the host has asked for all of it.
    if (this.isParked(host)) return;
    this.#answered.add(host);
    if (circuit !== undefined) this.#circuits.delete(host);
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
    const tries = error.retryable ? (circuit.items.get(index) ?? 0) + 1 : TRIES.silent;
    circuit.mostTries = Math.max(circuit.mostTries, tries);
    if (circuit.items.size < REFUSALS_AT_MOST || circuit.items.has(index)) circuit.items.set(index, tries);
    const isDone = isEnough(circuit, isProbe && !this.#answered.has(host));
    if (error.name === 'HostNotFound') {
      circuit.isGone = isDone;
      return;
    }
    const askedMs = error.retryable ? error.details.retryAfterMs : undefined;
    if (isDone) this.#park(host, circuit, askedMs ?? 0);
    else if (askedMs !== undefined) this.#waitOrPark(host, circuit, askedMs);
  }

  #waitOrPark(host: string, circuit: Circuit, askedMs: number): void {
    const until = this.#options.now() + askedMs;
    // Lanes that are told the same at the same time wait once.
    const moreMs = Math.max(0, until - Math.max(this.#options.now(), circuit.pausedUntil));
    if (askedMs > MAX_SLEEP_MS || circuit.pausedMs + moreMs > MAX_PATIENCE_MS) {
      this.#park(host, circuit, askedMs);
      return;
    }
    circuit.pausedMs += moreMs;
    circuit.pausedUntil = Math.max(circuit.pausedUntil, until);
    this.#pause(host, askedMs);
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
      items: new Map(),
      mostTries: 0,
      pausedMs: 0,
      pausedUntil: 0,
      parkings: 0,
      until: 0,
      error,
      isGone: false,
    };
    this.#circuits.set(host, circuit);
    return circuit;
  }
}

/**
 * Whether asking on is of no use for now, pure. More than one item must have been refused, and one of them again after it
 * had waited: so neither a single bad file nor a moment in which all lanes are refused together parks a host. Whoever
 * answers 429 or 503 is given one try more than who is silent: some sources say it twice of every file before they serve
 * it. A probe bears no more than that alone, and of a silent host only once, since that is what takes time.
 */
function isEnough({ error, refusals, items, mostTries }: Circuit, isProbe: boolean): boolean {
  const isSpeaking = error.details.status !== undefined;
  if (isProbe) return !isSpeaking || refusals >= REFUSALS_IN_A_ROW;
  if (items.size < 2 || refusals < REFUSALS_IN_A_ROW) return false;
  if (mostTries >= (isSpeaking ? TRIES.speaking : TRIES.silent)) return true;
  return (isSpeaking ? items.size : refusals) >= REFUSALS_AT_MOST;
}

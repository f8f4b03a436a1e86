import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { BodyQueue } from './body-queue.ts';
import type { ReceivedHead } from './check-response.ts';
import { classifyExchangeError, interruptionOf } from './classify-error.ts';
import type { ConnectionWatch } from './connection-watch.ts';
import { classifyFraming } from './framing.ts';
import type { Connector } from './guarded-connect.ts';
import { readHeaders } from './header-list.ts';
import { countBytes, pauseWindow, resumeWindow, startWindow, type ThroughputWindow } from './throughput-window.ts';

/** Interim responses (1xx) before a final one; a server that sends more is not going to answer. */
const MAX_INTERIM_RESPONSES = 16;

export interface ExchangeOptions {
  readonly host: string;
  readonly signal: AbortSignal;
  readonly minBytesPerSecond: number;
  readonly windowMs: number;
  readonly now: () => number;
  /** The response is over, or given up: its connection is of no more use to it. */
  readonly onOver?: () => void;
}

/** A request that is under way, as its back-end holds it. */
export interface Carrier {
  readonly connection: ConnectionWatch | undefined;
  /** Hands on what has been parsed, and reads no further. */
  pause(): void;
  resume(): void;
  /** Gives the request up, and its connection with it. */
  abort(error: SkyhaulError): void;
}

/**
 * One request and its response, whichever back-end carries it. Promises that the body ends normally only where its
 * framing proves the end: all bytes of a length, the last chunk or the end of a stream, or an orderly end of a connection
 * that was to end. Whatever a back-end thinks of a connection is checked against what its socket saw.
 */
export class Exchange {
  readonly body: BodyQueue;
  readonly #options: ExchangeOptions;
  readonly #connector: Connector;
  readonly #head = Promise.withResolvers<ReceivedHead>();
  readonly #onAbort: () => void;
  #carrier: Carrier | undefined;
  #received: ReceivedHead | undefined;
  #window: ThroughputWindow | undefined;
  #interim = 0;
  #bytes = 0;
  #isOver = false;
  #hasGivenUp = false;

  constructor(options: ExchangeOptions, connector: Connector) {
    this.#options = options;
    this.#connector = connector;
    this.body = new BodyQueue({
      pause: () => this.#pause(),
      resume: () => this.#resume(),
      drop: () => this.drop(),
    });
    this.#onAbort = () => void this.#giveUp(interruptionOf(options.signal));
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal.aborted) this.#onAbort();
  }

  /** Status and headers of the final response. */
  get head(): Promise<ReceivedHead> {
    return this.#head.promise;
  }

  /** Nothing that comes now is of use. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get hasHead(): boolean {
    return this.#received !== undefined;
  }

  /** Gives the connection up unless the response is over; resolves when its socket is closed. */
  async drop(): Promise<void> {
    // As nearly always: no error is made, with its stack, that nobody is told.
    if (this.#isOver && !this.#hasGivenUp) return;
    await this.#giveUp(new SkyhaulError('Interrupted', 'the reader closed the source', { host: this.#options.host }));
  }

  /** The request has a connection. */
  begin(carrier: Carrier): void {
    this.#carrier = carrier;
    if (this.#isOver) carrier.abort(new SkyhaulError('Interrupted', 'given up before it was sent'));
  }

  receiveInterim(): void {
    this.#interim += 1;
    if (this.#interim > MAX_INTERIM_RESPONSES) this.breakOff('ProtocolError', 'interim responses without end');
  }

  /** @param raw name, value, name, value … as they came */
  receiveHead(status: number, raw: readonly (Uint8Array | string)[], endedBy: 'connection' | 'stream'): void {
    if (this.#isOver) return;
    const headers = readHeaders(raw);
    this.#received = { status, headers, framing: classifyFraming(status, headers, endedBy) };
    this.#window = startWindow(this.#options.now());
    this.#head.resolve(this.#received);
  }

  receive(chunk: Uint8Array): void {
    if (this.#isOver || this.#window === undefined) return;
    this.#bytes += chunk.length;
    const framing = this.#received?.framing;
    if (framing?.kind === 'length' && this.#bytes > framing.bytes) {
      this.breakOff('ProtocolError', 'more bytes than its Content-Length');
      return;
    }
    const counted = countBytes(this.#window, chunk.length, this.#options.now(), this.#options);
    this.#window = counted.window;
    this.body.push(chunk);
    if (counted.verdict === 'too-slow') this.breakOff('TooSlow', `under ${this.#options.minBytesPerSecond} bytes/s`);
  }

  /** The back-end takes the response for complete. */
  end(): void {
    if (this.#isOver) return;
    const framing = this.#received?.framing;
    const isComplete =
      framing?.kind === 'chunked' ||
      (framing?.kind === 'length' && framing.bytes === this.#bytes) ||
      (framing?.kind === 'eof' && this.#carrier?.connection?.hasEndedInOrder === true);
    this.#finish();
    if (isComplete) this.body.end();
    else this.body.fail(connectionLost(this.#options.host), 'behind-the-rest');
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#fail(
      classifyExchangeError(error, {
        host: this.#options.host,
        phase: this.#received === undefined ? 'headers' : 'body',
        isCut: this.#carrier?.connection?.wasCutBefore(error) ?? false,
      }),
      'behind-the-rest',
    );
  }

  /** The response went away without an end and without an error. */
  lose(): void {
    this.fail(connectionLost(this.#options.host));
  }

  /** The answer is no use any more: its connection is dropped, and what was not read of it is not read any more. */
  breakOff(name: 'ProtocolError' | 'HeadersTooLarge' | 'TooSlow', why: string): void {
    const { host } = this.#options;
    this.giveUp(new SkyhaulError(name, `${host}: ${why}`, { host }));
  }

  /** As `breakOff`, for a reason that has a name of its own. */
  giveUp(error: SkyhaulError): void {
    void this.#giveUp(error);
  }

  async #giveUp(error: SkyhaulError): Promise<void> {
    if (!this.#isOver) {
      this.#hasGivenUp = true;
      this.#fail(error, 'at-once');
      if (this.#carrier === undefined) await this.#connector.abandonConnecting(error);
      else this.#carrier.abort(error);
    }
    // Otherwise the response is complete, and the connection serves the next one.
    if (this.#hasGivenUp) await this.#carrier?.connection?.closed;
  }

  #fail(error: SkyhaulError, when: 'behind-the-rest' | 'at-once'): void {
    this.#finish();
    this.#head.reject(error);
    this.body.fail(error, when);
  }

  #finish(): void {
    this.#isOver = true;
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#options.onOver?.();
  }

  #pause(): void {
    this.#carrier?.pause();
    if (this.#window !== undefined) this.#window = pauseWindow(this.#window, this.#options.now());
  }

  #resume(): void {
    if (this.#window !== undefined) this.#window = resumeWindow(this.#window, this.#options.now());
    if (!this.#isOver) this.#carrier?.resume();
  }
}

function connectionLost(host: string): SkyhaulError {
  return new SkyhaulError('ConnectionLost', `${host}: the connection ended before the response did`, { host });
}

import type { Dispatcher } from 'undici';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { BodyQueue } from './body-queue.ts';
import type { ReceivedHead } from './check-response.ts';
import { classifyExchangeError, interruptionOf } from './classify-error.ts';
import type { ConnectionWatch } from './connection-watch.ts';
import { classifyFraming } from './framing.ts';
import type { GuardedConnector } from './guarded-connect.ts';
import { readHeaders } from './header-list.ts';
import { countBytes, pauseWindow, resumeWindow, startWindow, type ThroughputWindow } from './throughput-window.ts';

/** Interim responses (1xx) before a final one; a server that sends more is not going to answer. */
const MAX_INTERIM_RESPONSES = 16;

export interface ExchangeOptions {
  readonly host: string;
  readonly connector: GuardedConnector;
  readonly signal: AbortSignal;
  readonly minBytesPerSecond: number;
  readonly windowMs: number;
  readonly now: () => number;
}

/**
 * One request and its response, as undici's handler. Promises that the body ends normally only where its framing proves
 * the end: all bytes of a length, the last chunk, or an orderly end of a connection that was to end. Whatever undici
 * thinks of a connection is checked against what its socket saw.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly body: BodyQueue;
  readonly #options: ExchangeOptions;
  readonly #head = Promise.withResolvers<ReceivedHead>();
  readonly #onAbort: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #connection: ConnectionWatch | undefined;
  #received: ReceivedHead | undefined;
  #window: ThroughputWindow | undefined;
  #interim = 0;
  #bytes = 0;
  #isOver = false;
  #hasGivenUp = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
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

  /** Gives the connection up unless the response is over; resolves when its socket is closed. */
  async drop(): Promise<void> {
    await this.#giveUp(new SkyhaulError('Interrupted', 'the reader closed the source', { host: this.#options.host }));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#connection = this.#options.connector.newest;
    if (this.#isOver) controller.abort(new SkyhaulError('Interrupted', 'given up before it was sent'));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (this.#isOver) return;
    if (status < 200) {
      this.#interim += 1;
      if (this.#interim > MAX_INTERIM_RESPONSES) this.#breakOff('ProtocolError', 'interim responses without end');
      return;
    }
    const raw = controller.rawHeaders;
    const headers = readHeaders(Array.isArray(raw) ? raw : []);
    this.#received = { status, headers, framing: classifyFraming(status, headers) };
    this.#window = startWindow(this.#options.now());
    this.#head.resolve(this.#received);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#isOver || this.#window === undefined) return;
    this.#bytes += chunk.length;
    const framing = this.#received?.framing;
    if (framing?.kind === 'length' && this.#bytes > framing.bytes) {
      this.#breakOff('ProtocolError', 'more bytes than its Content-Length');
      return;
    }
    const counted = countBytes(this.#window, chunk.length, this.#options.now(), this.#options);
    this.#window = counted.window;
    this.body.push(chunk);
    if (counted.verdict === 'too-slow') this.#breakOff('TooSlow', `under ${this.#options.minBytesPerSecond} bytes/s`);
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    const framing = this.#received?.framing;
    const isComplete =
      framing?.kind === 'chunked' ||
      (framing?.kind === 'length' && framing.bytes === this.#bytes) ||
      (framing?.kind === 'eof' && this.#connection?.hasEndedInOrder === true);
    this.#finish();
    if (isComplete) this.body.end();
    else this.body.fail(connectionLost(this.#options.host), 'behind-the-rest');
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#isOver) return;
    this.#fail(
      classifyExchangeError(error, {
        host: this.#options.host,
        phase: this.#received === undefined ? 'headers' : 'body',
        isCut: this.#connection?.wasCutBefore(error) ?? false,
      }),
      'behind-the-rest',
    );
  }

  #breakOff(name: 'ProtocolError' | 'TooSlow', why: string): void {
    const { host } = this.#options;
    void this.#giveUp(new SkyhaulError(name, `${host}: ${why}`, { host }));
  }

  async #giveUp(error: SkyhaulError): Promise<void> {
    if (!this.#isOver) {
      this.#hasGivenUp = true;
      this.#fail(error, 'at-once');
      if (this.#controller === undefined) await this.#options.connector.abandonConnecting(error);
      else this.#controller.abort(error);
    }
    // Otherwise the response is complete, and the connection serves the next one.
    if (this.#hasGivenUp) await this.#connection?.closed;
  }

  #fail(error: SkyhaulError, when: 'behind-the-rest' | 'at-once'): void {
    this.#finish();
    this.#head.reject(error);
    this.body.fail(error, when);
  }

  #finish(): void {
    this.#isOver = true;
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }

  #pause(): void {
    this.#controller?.pause();
    if (this.#window !== undefined) this.#window = pauseWindow(this.#window, this.#options.now());
  }

  #resume(): void {
    if (this.#window !== undefined) this.#window = resumeWindow(this.#window, this.#options.now());
    if (!this.#isOver) this.#controller?.resume();
  }
}

function connectionLost(host: string): SkyhaulError {
  return new SkyhaulError('ConnectionLost', `${host}: the connection ended before the response did`, { host });
}

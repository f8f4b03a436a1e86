import type { Readable } from 'node:stream';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { ConnectionWatch } from './connection-watch.ts';
import type { Carrier, Exchange } from './exchange.ts';
import type { SourcePolicy } from './source.ts';

/**
 * Carries a response that Node gives as a stream, with the two timers that Node does not have: headers in time, and no
 * pause in the body but those that the reader makes. Reading is stopped with the reader, so memory stays bounded.
 */
export class StreamCarrier implements Carrier {
  readonly connection: ConnectionWatch | undefined;
  readonly #exchange: Exchange;
  readonly #host: string;
  readonly #idleTimeoutMs: number;
  readonly #headersTimeoutMs: number;
  readonly #destroy: (error: SkyhaulError) => void;
  #timer: NodeJS.Timeout | undefined;
  #stream: Readable | undefined;

  /** @param destroy ends the request and its connection */
  constructor(
    exchange: Exchange,
    connection: ConnectionWatch | undefined,
    host: string,
    policy: SourcePolicy,
    destroy: (error: SkyhaulError) => void,
  ) {
    this.#exchange = exchange;
    this.connection = connection;
    this.#host = host;
    this.#idleTimeoutMs = policy.idleTimeoutMs;
    this.#destroy = destroy;
    this.#headersTimeoutMs = policy.headersTimeoutMs;
    this.#watchHeaders();
  }

  /** The request has a body that is still being sent: who is waited for now. Without meaning once the head has come. */
  sendingBody(awaited: 'host' | 'ours'): void {
    if (this.#exchange.hasHead || this.#exchange.isOver) return;
    this.release();
    if (awaited === 'host') this.#watchHeaders();
  }

  /** The head has come; what follows is the body. */
  carry(stream: Readable): void {
    this.#stream = stream;
    this.#watchIdle();
    stream.on('data', (chunk: Uint8Array) => {
      this.#timer?.refresh();
      this.#exchange.receive(chunk);
    });
  }

  pause(): void {
    this.#stream?.pause();
    this.release();
  }

  resume(): void {
    this.#watchIdle();
    this.#stream?.resume();
  }

  abort(error: SkyhaulError): void {
    this.release();
    this.#destroy(error);
  }

  /** The timers stand still; to be called when the response is over. */
  release(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #watchHeaders(): void {
    const ms = this.#headersTimeoutMs;
    this.#timer = setTimeout(() => this.#giveUp('HeadersTimeout', `no headers in ${ms} ms`), ms);
  }

  #watchIdle(): void {
    this.release();
    const ms = this.#idleTimeoutMs;
    this.#timer = setTimeout(() => this.#giveUp('IdleTimeout', `no byte in ${ms} ms`), ms);
  }

  #giveUp(name: 'HeadersTimeout' | 'IdleTimeout', why: string): void {
    const error = new SkyhaulError(name, `${this.#host}: ${why}`, { host: this.#host });
    this.#exchange.fail(error);
    this.abort(error);
  }
}

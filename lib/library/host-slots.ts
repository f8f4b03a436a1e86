import type { SourceClient } from '../source/source.ts';

/** Kept for the next item of their hosts; a list whose every URL leads to another host must not collect connections. */
const MAX_IDLE = 32;

/**
 * The connections there may be to each host: a client each, which keeps its connection from one item of the host to the
 * next. A client counts against its host until its sockets are closed.
 */
export class HostSlots {
  readonly #perHost: number;
  readonly #openClient: () => SourceClient;
  /** Clients by host, those in use and those that are closing included. */
  readonly #held = new Map<string, number>();
  /** Oldest first. */
  readonly #idle: { readonly host: string; readonly client: SourceClient }[] = [];
  readonly #closing = new Set<Promise<void>>();

  constructor(perHost: number, openClient: () => SourceClient) {
    this.#perHost = perHost;
    this.#openClient = openClient;
  }

  /** Undefined: its host has all the connections that it may have. */
  take(host: string): SourceClient | undefined {
    const position = this.#idle.findLastIndex((idle) => idle.host === host);
    if (position >= 0) return this.#idle.splice(position, 1)[0]?.client;
    const held = this.#held.get(host) ?? 0;
    if (held >= this.#perHost) return undefined;
    this.#held.set(host, held + 1);
    return this.#openClient();
  }

  /** `onFree` is called when the host has one more connection to give, later than now. */
  give(host: string, client: SourceClient, onFree: () => void): void {
    this.#idle.push({ host, client });
    if (this.#idle.length > MAX_IDLE) this.#closeOldest(onFree);
  }

  /** Resolves when every socket of the clients that were given back is closed. */
  async close(): Promise<void> {
    while (this.#idle.length > 0) this.#closeOldest(() => undefined);
    await Promise.all(this.#closing);
  }

  #closeOldest(onFree: () => void): void {
    const oldest = this.#idle.shift();
    if (!oldest) return;
    const { host, client } = oldest;
    const closing = client.close().finally(() => {
      this.#closing.delete(closing);
      const held = (this.#held.get(host) ?? 1) - 1;
      if (held === 0) this.#held.delete(host);
      else this.#held.set(host, held);
      onFree();
    });
    this.#closing.add(closing);
  }
}

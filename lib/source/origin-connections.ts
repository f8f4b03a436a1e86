import { Client } from 'undici';
import { KiB } from '../contract/limits.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { Network } from './address-class.ts';
import { hostOf } from './check-url.ts';
import { Exchange } from './exchange.ts';
import { GuardedConnector, type Lookup } from './guarded-connect.ts';
import type { SourcePolicy } from './source.ts';

/** Far above what sane servers send (8 to 16 KiB), far below what hurts. */
const MAX_HEADER_BYTES = 64 * KiB;
/** Redirects lead a lane to a few hosts; a list whose every URL leads to another one must not collect them all. */
const MAX_ORIGINS = 8;

export interface ConnectionsOptions {
  readonly policy: SourcePolicy;
  readonly allowed: readonly Network[];
  readonly lookup: Lookup | undefined;
  readonly ca: string | undefined;
  readonly windowMs: number;
  readonly now: () => number;
}

interface OriginConnection {
  readonly client: Client;
  readonly connector: GuardedConnector;
}

/** One connection per origin, kept alive between requests, each behind the address guard. */
export class OriginConnections {
  readonly #options: ConnectionsOptions;
  readonly #origins = new Map<string, OriginConnection>();
  #evictions: Promise<void>[] = [];
  #isClosed = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Sends a GET. Everything that happens to it, it tells through the exchange. */
  send(url: URL, headers: Record<string, string>, signal: AbortSignal): Exchange {
    if (this.#isClosed) throw new SkyhaulError('Interrupted', 'the source client is closed');
    const { policy, windowMs, now } = this.#options;
    const { client, connector } = this.#originOf(url);
    const { minBytesPerSecond } = policy;
    const exchange = new Exchange({ host: hostOf(url), connector, signal, minBytesPerSecond, windowMs, now });
    client.dispatch({ path: `${url.pathname}${url.search}`, method: 'GET', headers }, exchange);
    return exchange;
  }

  /** Resolves when every socket is closed; exchanges that are under way fail with Interrupted. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...[...this.#origins.values()].map(end), ...this.#evictions]);
    this.#origins.clear();
  }

  #originOf(url: URL): OriginConnection {
    const known = this.#origins.get(url.origin);
    const origin = known ?? this.#connectionTo(url);
    // Again at the end: the map's order is the order of use.
    this.#origins.delete(url.origin);
    this.#origins.set(url.origin, origin);
    this.#evict();
    return origin;
  }

  #evict(): void {
    if (this.#origins.size <= MAX_ORIGINS) return;
    for (const [name, origin] of this.#origins) {
      if (origin.client.stats.size > 0) continue;
      this.#origins.delete(name);
      const eviction = end(origin).then(() => {
        this.#evictions = this.#evictions.filter((other) => other !== eviction);
      });
      this.#evictions.push(eviction);
      return;
    }
  }

  #connectionTo(url: URL): OriginConnection {
    const { policy, allowed, lookup, ca } = this.#options;
    const connector = new GuardedConnector({ allowed, connectTimeoutMs: policy.connectTimeoutMs, lookup, ca });
    const client = new Client(url.origin, {
      connect: connector.connect,
      pipelining: 1,
      allowH2: false,
      // Or the environment would choose the parser (UNDICI_USE_MILO).
      useMilo: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: policy.headersTimeoutMs,
      bodyTimeout: policy.idleTimeoutMs,
    });
    return { client, connector };
  }
}

async function end({ client, connector }: OriginConnection): Promise<void> {
  await client.destroy(new SkyhaulError('Interrupted', 'the source client was closed'));
  await connector.close();
}

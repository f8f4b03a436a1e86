import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { Backend, BackendOptions, Get } from './backend.ts';
import { hostOf } from './check-url.ts';
import { Exchange } from './exchange.ts';
import { Http2Backend } from './http2-backend.ts';
import { NodeBackend } from './node-backend.ts';
import type { BackendName } from './source.ts';
import { UndiciBackend } from './undici-backend.ts';

/** Redirects lead a lane to a few hosts; a list whose every URL leads to another one must not collect them all. */
const MAX_ORIGINS = 8;

const BACKENDS: Record<BackendName, new (origin: URL, options: BackendOptions) => Backend> = {
  undici: UndiciBackend,
  h2: Http2Backend,
  node: NodeBackend,
};

interface OriginConnection {
  readonly name: BackendName;
  readonly backend: Backend;
}

export interface ConnectionsOptions extends BackendOptions {
  readonly windowMs: number;
  readonly now: () => number;
}

/** One connection per origin, kept alive between requests, each behind the address guard. */
export class OriginConnections {
  readonly #options: ConnectionsOptions;
  readonly #origins = new Map<string, OriginConnection>();
  readonly #endings = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Sends a GET. Everything that happens to it, it tells through the exchange. */
  async send(url: URL, headers: Get['headers'], signal: AbortSignal, name: BackendName): Promise<Exchange> {
    await this.#endOther(url.origin, name);
    if (this.#isClosed) throw new SkyhaulError('Interrupted', 'the source client is closed');
    const { policy, windowMs, now } = this.#options;
    const { backend } = this.#originOf(url, name);
    const { minBytesPerSecond } = policy;
    const exchange = new Exchange({ host: hostOf(url), signal, minBytesPerSecond, windowMs, now }, backend.connector);
    backend.send({ path: `${url.pathname}${url.search}`, headers }, exchange);
    return exchange;
  }

  /** Resolves when every socket is closed; exchanges that are under way fail with Interrupted. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const origins = [...this.#origins.values()];
    this.#origins.clear();
    await Promise.all([...origins.map(({ backend }) => backend.close()), ...this.#endings]);
  }

  /** Items of a lane may name different back-ends; their host sees one connection all the same. */
  async #endOther(origin: string, name: BackendName): Promise<void> {
    const known = this.#origins.get(origin);
    if (known === undefined || known.name === name) return;
    this.#origins.delete(origin);
    await this.#end(known);
  }

  #originOf(url: URL, name: BackendName): OriginConnection {
    const known = this.#origins.get(url.origin);
    const origin = known ?? { name, backend: new BACKENDS[name](url, this.#options) };
    // Again at the end: the map's order is the order of use.
    this.#origins.delete(url.origin);
    this.#origins.set(url.origin, origin);
    this.#evict();
    return origin;
  }

  #evict(): void {
    if (this.#origins.size <= MAX_ORIGINS) return;
    for (const [key, origin] of this.#origins) {
      if (!origin.backend.isIdle) continue;
      this.#origins.delete(key);
      void this.#end(origin);
      return;
    }
  }

  async #end({ backend }: OriginConnection): Promise<void> {
    const ending = backend.close();
    this.#endings.add(ending);
    await ending;
    this.#endings.delete(ending);
  }
}

import { createSecureContext } from 'node:tls';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { Backend, BackendOptions, HttpRequest } from './backend.ts';
import { hostOf } from './check-url.ts';
import { interruptionOf } from './classify-error.ts';
import { Exchange } from './exchange.ts';
import type { Guest, HostSeats } from './host-seats.ts';
import { Http2Backend } from './http2-backend.ts';
import { NodeBackend } from './node-backend.ts';
import { OutgoingBody } from './outgoing-body.ts';
import type { BackendName, ProxySettings, TlsSettings } from './source.ts';
import { UndiciBackend } from './undici-backend.ts';

/** Redirects lead a lane to a few hosts; a list whose every URL leads to another one must not collect them all. */
const MAX_ORIGINS = 8;

const BACKENDS: Record<BackendName, new (origin: URL, options: BackendOptions) => Backend> = {
  undici: UndiciBackend,
  h2: Http2Backend,
  node: NodeBackend,
};

interface OriginConnection {
  /** Back-end, TLS settings and proxy: requests of another kind do not travel over it. */
  readonly kind: string;
  readonly backend: Backend;
}

interface Sending {
  readonly signal: AbortSignal;
  readonly name: BackendName;
  /** Instead of those of all. */
  readonly tls: TlsSettings | undefined;
  readonly proxy: ProxySettings | undefined;
}

export interface ConnectionsOptions extends BackendOptions {
  readonly windowMs: number;
  readonly now: () => number;
  /** Shared with others who connect to the same hosts. */
  readonly seats?: HostSeats | undefined;
}

/** One connection per origin, kept alive between requests, each behind the address guard. */
export class OriginConnections implements Guest {
  readonly #options: ConnectionsOptions;
  readonly #origins = new Map<string, OriginConnection>();
  readonly #endings = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Sends a request. Everything that happens to it, it tells through the exchange. */
  async send(url: URL, request: Omit<HttpRequest, 'path'>, sending: Sending): Promise<Exchange> {
    const { signal } = sending;
    const kind = kindOf(sending);
    const { seats } = this.#options;
    await seats?.take(url.host, this, signal);
    if (signal.aborted) throw interruptionOf(signal);
    await this.#endOther(url.origin, kind);
    if (this.#isClosed) throw new SkyhaulError('Interrupted', 'the source client is closed');
    const { policy, windowMs, now } = this.#options;
    const { backend } = this.#originOf(url, kind, sending);
    const { minBytesPerSecond } = policy;
    const onOver = () => {
      if (request.body instanceof OutgoingBody) request.body.end();
      void seats?.rest(url.host, this);
    };
    const facts = { host: hostOf(url), signal, minBytesPerSecond, windowMs, now, onOver };
    const exchange = new Exchange(facts, backend.connector);
    backend.send({ ...request, path: `${url.pathname}${url.search}` }, exchange);
    return exchange;
  }

  /** Resolves when every socket is closed; exchanges that are under way fail with Interrupted. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const origins = [...this.#origins.values()];
    this.#origins.clear();
    await Promise.all([...origins.map(({ backend }) => backend.close()), ...this.#endings]);
    this.#options.seats?.left(this);
  }

  /** Makes room at a host for somebody else; nothing is under way there. */
  async leave(host: string): Promise<void> {
    const left = [...this.#origins].filter(([origin]) => new URL(origin).host === host);
    for (const [origin] of left) this.#origins.delete(origin);
    await Promise.all(left.map(([, connection]) => this.#end(connection)));
  }

  /** Items of a lane may name different back-ends and certificates; their host sees one connection all the same. */
  async #endOther(origin: string, kind: string): Promise<void> {
    const known = this.#origins.get(origin);
    if (known === undefined || known.kind === kind) return;
    this.#origins.delete(origin);
    await this.#end(known);
  }

  #originOf(url: URL, kind: string, { name, tls, proxy }: Sending): OriginConnection {
    const known = this.#origins.get(url.origin);
    const origin = known ?? {
      kind,
      backend: new BACKENDS[name](url, { ...this.#options, tls: this.#tlsOf(url, tls), proxy }),
    };
    // Again at the end: the map's order is the order of use.
    this.#origins.delete(url.origin);
    this.#origins.set(url.origin, origin);
    this.#evict();
    return origin;
  }

  /** Throws TlsFailed where a certificate or key cannot be read: a connection would fail with less of a reason. */
  #tlsOf(url: URL, given: TlsSettings = {}): TlsSettings {
    const tls = { ...given, ca: given.ca ?? this.#options.tls?.ca };
    try {
      createSecureContext({ ca: tls.ca, ...tls.clientCertificate });
    } catch (cause) {
      const message = 'the certificates or the key of the request cannot be read, or do not belong together';
      throw new SkyhaulError('TlsFailed', message, { host: url.host, cause });
    }
    return tls;
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

function kindOf({ name, tls, proxy }: Sending): string {
  if (tls === undefined && proxy === undefined) return name;
  const { ca, clientCertificate, minVersion } = tls ?? {};
  return JSON.stringify([name, ca, clientCertificate, minVersion, proxy]);
}

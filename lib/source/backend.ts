import type { Network } from './address-class.ts';
import type { Exchange } from './exchange.ts';
import { type Connector, GuardedConnector, type Lookup } from './guarded-connect.ts';
import type { OutgoingBody } from './outgoing-body.ts';
import { TunnelConnector } from './proxy-tunnel.ts';
import type { BackendName, ProxySettings, SourcePolicy, TlsSettings } from './source.ts';

/**
 * What speaks HTTP: sends a request over the one connection that it keeps to one origin, and tells an Exchange what comes.
 * Redirects, the judging of answers, headers and resuming stand above it, once for all. Three of them pass the same
 * conformance suite; what one cannot tell is listed in docs/backends.md.
 */
export interface Backend {
  /** The only way it has to the network. */
  readonly connector: Connector;
  /** No request is under way or waits for its turn. */
  readonly isIdle: boolean;
  /** Never throws: whatever happens, the exchange learns of it. Requests take turns. */
  send(request: HttpRequest, exchange: Exchange): void;
  /** Resolves when every socket is closed; exchanges that are under way fail with Interrupted. */
  close(): Promise<void>;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** A streamed one is begun once at most: a request whose body is begun is never sent again. */
  readonly body?: Uint8Array | OutgoingBody | undefined;
}

export interface BackendOptions {
  readonly policy: SourcePolicy;
  readonly allowed: readonly Network[];
  readonly lookup: Lookup | undefined;
  readonly tls?: TlsSettings | undefined;
  readonly proxy?: ProxySettings | undefined;
}

/** Far above what sane servers send (8 to 16 KiB), far below what hurts. */
export const MAX_HEADER_BYTES = 64 * 1024;

/** The connector of one origin, for every back-end. Throws UrlRefused, AddressRefused: about the URL of a proxy. */
export function connectorFor(options: BackendOptions, backend: BackendName): Connector {
  const { policy, allowed, lookup, tls, proxy } = options;
  const { connectTimeoutMs, userAgent } = policy;
  const guard = { allowed, connectTimeoutMs, lookup, tls, offersHttp2: backend === 'h2' };
  return proxy === undefined ? new GuardedConnector(guard) : new TunnelConnector({ ...guard, proxy, userAgent });
}

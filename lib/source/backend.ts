import type { Network } from './address-class.ts';
import { hostOf } from './check-url.ts';
import type { Exchange } from './exchange.ts';
import { GuardedConnector, type Lookup } from './guarded-connect.ts';
import type { BackendName, SourcePolicy, TlsSettings } from './source.ts';

/**
 * What speaks HTTP: sends a request over the one connection that it keeps to one origin, and tells an Exchange what comes.
 * Redirects, the judging of answers, headers and resuming stand above it, once for all. Three of them pass the same
 * conformance suite; what one cannot tell is listed in docs/backends.md.
 */
export interface Backend {
  /** The only way it has to the network. */
  readonly connector: GuardedConnector;
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
  readonly body?: Uint8Array | undefined;
}

export interface BackendOptions {
  readonly policy: SourcePolicy;
  readonly allowed: readonly Network[];
  readonly lookup: Lookup | undefined;
  readonly tls?: TlsSettings | undefined;
}

/** Far above what sane servers send (8 to 16 KiB), far below what hurts. */
export const MAX_HEADER_BYTES = 64 * 1024;

/** The connector of one origin: the only way from here to the network, for every back-end. */
export function connectorFor({ policy, allowed, lookup, tls }: BackendOptions, backend: BackendName): GuardedConnector {
  const { connectTimeoutMs } = policy;
  return new GuardedConnector({ allowed, connectTimeoutMs, lookup, tls, offersHttp2: backend === 'h2' });
}

/** An origin as a connector of undici wants it. */
export function targetOf(origin: URL) {
  return { hostname: hostOf(origin), host: origin.host, protocol: origin.protocol, port: origin.port };
}

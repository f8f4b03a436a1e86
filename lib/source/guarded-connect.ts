import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { isAllowedAddress, type Network } from './address-class.ts';
import { hostOf } from './check-url.ts';
import { classifyConnectError } from './classify-error.ts';
import { ConnectionWatch } from './connection-watch.ts';
import type { TlsSettings } from './source.ts';
import { vetAnswers } from './vet-answers.ts';

/** Resolves a name to all its addresses; rejects as `dns.lookup` does. */
export type Lookup = (host: string) => Promise<readonly LookupAddress[]>;

/** The only way from a back-end to the network: makes the connections to one origin, and knows when they are closed. */
export interface Connector {
  /** The newest connection, whatever became of it. */
  readonly newest: ConnectionWatch | undefined;
  /** For undici's `connect` option. Errors are SkyhaulErrors. */
  readonly connect: buildConnector.connector;
  /** Gives up what is still being connected; resolves when that is closed. */
  abandonConnecting(error: SkyhaulError): Promise<void>;
  /** Resolves when every socket is closed. Nothing connects afterwards. */
  close(): Promise<void>;
}

export interface GuardOptions {
  readonly allowed: readonly Network[];
  /** TCP and TLS together, name resolution included. */
  readonly connectTimeoutMs: number;
  /** Instead of the system's. */
  readonly lookup?: Lookup | undefined;
  readonly tls?: TlsSettings | undefined;
  /** Offers HTTP/2, and nothing that the server would rather have. @default false */
  readonly offersHttp2?: boolean;
  /** What makes the sockets; undici's own unless a test watches it. */
  readonly build?: ((options: buildConnector.BuildOptions) => buildConnector.connector) | undefined;
}

/**
 * Makes connections to allowed addresses only, and keeps hold of every socket until it is closed. Three checks, since
 * each misses what the others see: literals before connecting (no lookup is ever made for them), every answer of the one
 * lookup whose result is what is connected to (nothing is resolved twice, so nothing can be rebound), and the address
 * at the other end before a byte is written.
 */
export class GuardedConnector implements Connector {
  readonly #options: GuardOptions;
  readonly #connect: buildConnector.connector;
  readonly #open = new Set<ConnectionWatch>();
  #newest: ConnectionWatch | undefined;
  #isClosed = false;

  constructor(options: GuardOptions) {
    this.#options = options;
    const { lookup: resolve = systemResolve } = options;
    const lookup: LookupFunction = (host, wanted, callback) => {
      this.#resolve(resolve, host).then(
        (addresses) => {
          const [first] = addresses;
          if (wanted.all === true || first === undefined) callback(null, [...addresses]);
          else callback(null, first.address, first.family);
        },
        (error: unknown) => callback(classifyConnectError(error, host), []),
      );
    };
    this.#connect = (options.build ?? buildConnector)({
      ...tlsOptionsOf(options),
      lookup,
      autoSelectFamily: true,
      // Node gives an address 250 ms before it tries the next, which a distant host does not keep.
      autoSelectFamilyAttemptTimeout: Math.max(250, Math.floor(options.connectTimeoutMs / 4)),
    } as buildConnector.BuildOptions);
  }

  get newest(): ConnectionWatch | undefined {
    return this.#newest;
  }

  readonly connect: buildConnector.connector = (target, callback) => {
    const host = target.hostname;
    if (this.#isClosed || (isIP(host) !== 0 && !isAllowedAddress(host, this.#options.allowed))) {
      const error = this.#isClosed ? new SkyhaulError('Interrupted', 'the source was closed') : refusal(host, host);
      queueMicrotask(() => callback(error, null));
      return;
    }
    const returned: unknown = this.#connect(target, (error, socket) => {
      if (error !== null) return callback(classifyConnectError(error, host), null);
      const denied = this.#check(host, socket);
      if (denied !== undefined) {
        socket.destroy(denied);
        return callback(denied, null);
      }
      if (watch !== undefined) watch.isEstablished = true;
      return callback(null, socket);
    });
    const watch = isSocket(returned) ? this.#keep(host, returned) : undefined;
  };

  async abandonConnecting(error: SkyhaulError): Promise<void> {
    const connecting = [...this.#open].filter((watch) => !watch.isEstablished);
    for (const { socket } of connecting) socket.destroy(error);
    await Promise.all(connecting.map((watch) => watch.closed));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const open = [...this.#open];
    // With an error, or whoever waits for one of them to connect would wait for ever.
    for (const { socket } of open) socket.destroy(new SkyhaulError('Interrupted', 'the source client was closed'));
    await Promise.all(open.map((watch) => watch.closed));
  }

  #keep(host: string, socket: Socket): ConnectionWatch {
    const watch = new ConnectionWatch(socket);
    this.#newest = watch;
    this.#open.add(watch);
    socket.once('close', () => this.#open.delete(watch));
    // In front of TLS, which would send its first bytes on this very event.
    socket.prependOnceListener('connect', () => {
      const denied = this.#check(host, socket);
      if (denied !== undefined) socket.destroy(denied);
    });
    return watch;
  }

  #check(host: string, socket: Socket): SkyhaulError | undefined {
    const address = socket.remoteAddress ?? '';
    return isAllowedAddress(address, this.#options.allowed) ? undefined : refusal(host, address || 'no address');
  }

  async #resolve(resolve: Lookup, host: string): Promise<readonly LookupAddress[]> {
    const verdict = vetAnswers(host, await resolve(host), this.#options.allowed);
    if (verdict.action === 'refuse') throw verdict.error;
    return verdict.addresses;
  }
}

/** An origin as `connect` wants it. */
export function targetOf(origin: URL) {
  return { hostname: hostOf(origin), host: origin.host, protocol: origin.protocol, port: origin.port };
}

export const systemResolve: Lookup = (host) => systemLookup(host, { all: true });

/** What makes TLS of a connection, and how long that may take. */
export function tlsOptionsOf({ tls = {}, connectTimeoutMs, offersHttp2 = false }: GuardOptions) {
  const { ca, clientCertificate, minVersion = '1.2' } = tls;
  return {
    timeout: connectTimeoutMs,
    allowH2: offersHttp2,
    preferH2: true,
    // Said aloud, because NODE_TLS_REJECT_UNAUTHORIZED and --tls-min-v1.0 would otherwise change them.
    rejectUnauthorized: true,
    minVersion: `TLSv${minVersion}`,
    ...(ca !== undefined && { ca }),
    ...clientCertificate,
  } as buildConnector.BuildOptions;
}

export function refusal(host: string, address: string): SkyhaulError {
  return new SkyhaulError('AddressRefused', `${host} leads to ${address}, which is not a public address`, { host });
}

/** undici's type says void, its connector returns the socket (connect.js); without it we would not see it connect. */
export function isSocket(value: unknown): value is Socket {
  return typeof value === 'object' && value !== null && 'remoteAddress' in value && 'destroy' in value;
}

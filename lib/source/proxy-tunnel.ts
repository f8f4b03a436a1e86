import { isIP, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import { isAllowedAddress, type Network } from './address-class.ts';
import { askProxy, cutShort } from './ask-proxy.ts';
import { checkUrl } from './check-url.ts';
import { classifyConnectError } from './classify-error.ts';
import { connectRequest } from './connect-answer.ts';
import { ConnectionWatch } from './connection-watch.ts';
import {
  type Connector,
  GuardedConnector,
  type GuardOptions,
  isSocket,
  refusal,
  systemResolve,
  targetOf,
  tlsOptionsOf,
} from './guarded-connect.ts';
import type { ProxySettings } from './source.ts';
import { vetAnswers } from './vet-answers.ts';

/** Of one name, tried one after another: a proxy cannot be expected to reach IPv6. */
const MAX_PLACES = 4;

export interface TunnelOptions extends GuardOptions {
  readonly proxy: ProxySettings;
  readonly userAgent: string;
}

interface Tunnel {
  readonly socket: Socket;
  readonly watch: ConnectionWatch | undefined;
}

/**
 * Makes connections through an HTTP proxy, to one origin, one at a time. The proxy is connected to behind the address
 * guard like any host. Targets are judged before the proxy hears of them; unless it is said to judge itself, it is given
 * an address that passed, and never the name, which it might resolve otherwise. `connectTimeoutMs` holds for all of it.
 */
export class TunnelConnector implements Connector {
  readonly #options: TunnelOptions;
  readonly #proxy: URL;
  readonly #toProxy: GuardedConnector;
  readonly #secure: buildConnector.connector;
  readonly #attempts = new Map<AbortController, Promise<unknown>>();
  /** TLS inside of tunnels. */
  readonly #open = new Set<ConnectionWatch>();
  #newest: ConnectionWatch | undefined;
  #isClosed = false;

  /** @throws SkyhaulError UrlRefused, AddressRefused: about the URL of the proxy */
  constructor(options: TunnelOptions) {
    this.#options = options;
    this.#proxy = checkProxy(options.proxy, options.allowed);
    const { clientCertificate: _, ...tls } = options.tls ?? {};
    this.#toProxy = new GuardedConnector({ ...options, tls, offersHttp2: false });
    this.#secure = buildConnector(tlsOptionsOf(options));
  }

  get newest(): ConnectionWatch | undefined {
    return this.#newest;
  }

  /** As of `GuardedConnector`. */
  readonly connect: buildConnector.connector = (target, callback) => {
    void this.#attempt(target).then(
      (socket) => callback(null, socket),
      (error: unknown) => callback(classifyConnectError(error, target.hostname), null),
    );
  };

  async abandonConnecting(error: SkyhaulError): Promise<void> {
    const attempts = [...this.#attempts];
    for (const [controller] of attempts) controller.abort(error);
    await Promise.all(attempts.map(([, over]) => over));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const error = new SkyhaulError('Interrupted', 'the source client was closed');
    await this.abandonConnecting(error);
    const open = [...this.#open];
    for (const { socket } of open) socket.destroy(error);
    await Promise.all(open.map((watch) => watch.closed));
    await this.#toProxy.close();
  }

  async #attempt(target: buildConnector.Options): Promise<Socket> {
    if (this.#isClosed) throw new SkyhaulError('Interrupted', 'the source was closed');
    const { hostname: host } = target;
    const controller = new AbortController();
    const late = new SkyhaulError('ConnectTimeout', `${host}: no connection through ${this.#proxy.host} in time`, {
      host,
    });
    const timer = setTimeout(() => controller.abort(late), this.#options.connectTimeoutMs);
    const tunnel = this.#placesOf(host, controller.signal).then((places) =>
      this.#tryEach(places, target, controller.signal),
    );
    this.#attempts.set(
      controller,
      tunnel.catch(() => undefined),
    );
    try {
      const { socket, watch } = await tunnel;
      this.#newest = watch;
      return socket;
    } finally {
      clearTimeout(timer);
      this.#attempts.delete(controller);
    }
  }

  /** What the proxy is asked to connect to. */
  async #placesOf(host: string, signal: AbortSignal): Promise<readonly string[]> {
    const { allowed, proxy, lookup = systemResolve } = this.#options;
    if (isIP(host) !== 0) {
      if (!isAllowedAddress(host, allowed)) throw refusal(host, host);
      return [host];
    }
    if (proxy.targets === 'proxy') return [host];
    const verdict = vetAnswers(host, await unlessAborted(lookup(host), signal), allowed);
    if (verdict.action === 'refuse') throw verdict.error;
    const addresses = verdict.addresses.toSorted((a, b) => a.family - b.family);
    return addresses.slice(0, MAX_PLACES).map(({ address }) => address);
  }

  async #tryEach(places: readonly string[], target: buildConnector.Options, signal: AbortSignal): Promise<Tunnel> {
    const [place = target.hostname, ...others] = places;
    try {
      return await this.#through(place, target, signal);
    } catch (error) {
      const isElsewhere = error instanceof SkyhaulError && error.name === 'ProxyFailed' && others.length > 0;
      if (!isElsewhere) throw error;
      return await this.#tryEach(others, target, signal);
    }
  }

  /** Whatever it ends with, no socket is left open but the one that it returns. */
  async #through(place: string, target: buildConnector.Options, signal: AbortSignal): Promise<Tunnel> {
    const { hostname: host, protocol } = target;
    const port = target.port || (protocol === 'https:' ? '443' : '80');
    const tunnel = await this.#reachProxy(host, signal);
    const { socket, watch } = tunnel;
    const giveUp = () => socket.destroy(reasonOf(signal));
    signal.addEventListener('abort', giveUp);
    try {
      signal.throwIfAborted();
      const { proxy, userAgent } = this.#options;
      const request = connectRequest(place, port, { ...proxy, userAgent });
      await askProxy(socket, request, { host, proxy: this.#proxy });
      const made = protocol === 'https:' ? await this.#secured(target, socket) : tunnel;
      signal.throwIfAborted();
      return made;
    } catch (error) {
      socket.destroy();
      await watch?.closed;
      throw signal.aborted ? reasonOf(signal) : error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async #reachProxy(host: string, signal: AbortSignal): Promise<Tunnel> {
    const giveUp = () => void this.#toProxy.abandonConnecting(reasonOf(signal));
    signal.addEventListener('abort', giveUp);
    try {
      signal.throwIfAborted();
      return await new Promise((resolve, reject) => {
        this.#toProxy.connect(targetOf(this.#proxy), (error, socket) => {
          if (error === null) resolve({ socket, watch: this.#toProxy.newest });
          else reject(ofProxy(error, host));
        });
      });
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async #secured(target: buildConnector.Options, tunnel: Socket): Promise<Tunnel> {
    const { hostname: host } = target;
    return await new Promise((resolve, reject) => {
      const returned: unknown = this.#secure({ ...target, httpSocket: tunnel }, (error, socket) => {
        if (error === null) resolve({ socket, watch });
        else reject(classifyConnectError(error, host));
      });
      const watch = isSocket(returned) ? this.#keep(returned) : undefined;
      // The end of a tunnel closes what is inside without an error.
      void watch?.closed.then(() => reject(cutShort({ host, proxy: this.#proxy })));
    });
  }

  #keep(socket: Socket): ConnectionWatch {
    const watch = new ConnectionWatch(socket);
    this.#open.add(watch);
    socket.once('close', () => this.#open.delete(watch));
    return watch;
  }
}

function checkProxy({ url }: ProxySettings, allowed: readonly Network[]): URL {
  try {
    return checkUrl(url, allowed);
  } catch (error) {
    const { name, message } = toSkyhaulError(error);
    throw new SkyhaulError(name, `the proxy: ${message}`, { cause: error });
  }
}

/** So that a message tells which of the two it is about. */
function ofProxy(error: Error, host: string): SkyhaulError {
  const { name, message } = classifyConnectError(error, host);
  const shown = name === 'Interrupted' || name === 'ConnectTimeout' ? message : `on the way to the proxy: ${message}`;
  return new SkyhaulError(name, shown, { host, cause: error });
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(reasonOf(signal)), { once: true });
    promise.then(resolve, reject);
  });
}

function reasonOf(signal: AbortSignal): SkyhaulError {
  const reason: unknown = signal.reason;
  return reason instanceof SkyhaulError ? reason : new SkyhaulError('Interrupted', 'given up', { cause: reason });
}

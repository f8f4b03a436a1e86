import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { serveHttp1 } from './origin-http1.ts';
import { serveHttp2 } from './origin-http2.ts';
import type { Script } from './origin-script.ts';

/**
 * The hostile origin: an HTTP/1.1 or HTTP/2 server on a raw socket of 127.0.0.1 that misbehaves as it is told.
 *
 *     const origin = await startOrigin({ '/a': { body: { seed: 1, bytes: 1_000_000 } } });
 *     origin.on('/cut', { body: 'hello', cut: { afterBytes: 3, by: 'rst' } });
 *     origin.on('/twice', [{ status: 503 }, { body: 'hello' }]);          // first request, every later one
 *     origin.on('/etag', (request) => (request.headers['if-none-match'] === '"1"' ? { status: 304 } : { body: 'x' }));
 *     … origin.url('/a') … origin.requests … origin.connections.max …
 *     await origin.close();
 *
 * Scripts: see `origin-script.ts`. A file with ranges: `ranged()` of `origin-ranges.ts`. Bodies: `bytesOf(seed, length)`
 * of `origin-bytes.ts` makes the same bytes. TLS: give `{ tls: makeCertificate() }` of `origin-certificate.ts` and trust
 * its `cert`; `{ http2: true }` beside it speaks HTTP/2, and nothing else. Several hosts: resolve their names to 127.0.0.1 in the client (option `lookup`), then
 * `connectionsOf('a.test')` counts by the Host header. Paths without a script answer 404.
 */
export interface Origin {
  readonly port: number;
  readonly requests: readonly RecordedRequest[];
  readonly connections: Connections;
  /** Of a host, without its port: connections whose first request named it. */
  connectionsOf(host: string): Connections;
  /** @param host default 127.0.0.1 */
  url(path: string, host?: string): string;
  /** Path with its query, or without it for any query. */
  on(path: string, answer: Answer): void;
  /** Resolves when every socket is closed. */
  close(): Promise<void>;
}

interface Connections {
  readonly open: number;
  readonly max: number;
  readonly total: number;
}

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The header block as received. */
  readonly raw: string;
  /** Counted from 1 in the order in which connections came. */
  readonly connection: number;
}

export type Answer = Script | readonly Script[] | ((request: RecordedRequest) => Script | Promise<Script>);

export interface OriginOptions {
  readonly tls?: TlsOptions;
  /** HTTP/2, on TLS only. What `raw` says is HTTP/1.1 and cannot be said here. @default false */
  readonly http2?: boolean;
  /** A loopback address. @default '127.0.0.1' */
  readonly address?: string;
}

/** Speaks with one client until it goes. `connection` counts from 1. */
export type Serve = (
  socket: Socket,
  connection: number,
  answer: (request: RecordedRequest) => Promise<Script>,
) => Promise<void>;

class Counter implements Connections {
  open = 0;
  max = 0;
  total = 0;

  add(): void {
    this.open += 1;
    this.total += 1;
    this.max = Math.max(this.max, this.open);
  }
}

export async function startOrigin(
  routes: Readonly<Record<string, Answer>> = {},
  options: OriginOptions = {},
): Promise<Origin> {
  const address = options.address ?? '127.0.0.1';
  const answers = new Map(Object.entries(routes));
  const asked = new Map<string, number>();
  const requests: RecordedRequest[] = [];
  const sockets = new Set<Socket>();
  const all = new Counter();
  const byHost = new Map<string, Counter>();

  const counterOf = (host: string) => {
    const counter = byHost.get(host) ?? new Counter();
    byHost.set(host, counter);
    return counter;
  };

  const answerTo = async (request: RecordedRequest): Promise<Script> => {
    const path = answers.has(request.path) ? request.path : (request.path.split('?')[0] ?? '');
    const answer = answers.get(path) ?? { status: 404, body: 'no script' };
    if (typeof answer === 'function') return answer(request);
    const scripts: readonly Script[] = 'at' in answer ? answer : [answer];
    const count = asked.get(path) ?? 0;
    asked.set(path, count + 1);
    return scripts[Math.min(count, scripts.length - 1)] ?? {};
  };

  const serve = async (socket: Socket): Promise<void> => {
    const connection = all.total;
    let hostCounter: Counter | undefined;
    socket.once('close', () => {
      if (hostCounter !== undefined) hostCounter.open -= 1;
    });
    const speak = options.http2 === true ? serveHttp2 : serveHttp1;
    await speak(socket, connection, async (request) => {
      requests.push(request);
      if (hostCounter === undefined) {
        hostCounter = counterOf(request.host);
        hostCounter.add();
      }
      return await answerTo(request);
    });
  };

  const accept = (socket: Socket) => {
    all.add();
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      all.open -= 1;
    });
    serve(socket).catch(() => socket.destroy());
  };

  const server: Server =
    options.tls === undefined
      ? createServer({ allowHalfOpen: true }, accept)
      : createTlsServer({ ...options.tls, ...(options.http2 === true && { ALPNProtocols: ['h2'] }) }, accept).on(
          'tlsClientError',
          (_error, socket) => socket.destroy(),
        );
  // The sockets below TLS, so that close() reaches those whose handshake never ended.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;

  return {
    port,
    requests,
    connections: all,
    connectionsOf: (host) => counterOf(host),
    url: (path, host = address) => `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}${path}`,
    on: (path, answer) => {
      asked.delete(path);
      answers.set(path, answer);
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

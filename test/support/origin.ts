import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { closesBehind, headOf, type Script, wireOf } from './origin-script.ts';

/**
 * The hostile origin: an HTTP/1.1 server on a raw socket of 127.0.0.1 that misbehaves as it is told.
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
 * its `cert`. Several hosts: resolve their names to 127.0.0.1 in the client (option `lookup`), then
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
  /** A loopback address. @default '127.0.0.1' */
  readonly address?: string;
}

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
    for await (const raw of requestHeads(socket)) {
      const request = parseRequest(raw, connection);
      requests.push(request);
      if (hostCounter === undefined) {
        hostCounter = counterOf(request.host);
        hostCounter.add();
      }
      await send(socket, await answerTo(request));
    }
  };

  const accept = (socket: Socket) => {
    all.add();
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      all.open -= 1;
    });
    serve(socket).then(
      () => socket.end(),
      () => socket.destroy(),
    );
  };

  const server: Server =
    options.tls === undefined
      ? createServer({ allowHalfOpen: true }, accept)
      : createTlsServer(options.tls, accept).on('tlsClientError', (_error, socket) => socket.destroy());
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

async function send(socket: Socket, script: Script): Promise<void> {
  const { cut, stall, drip, delayMs = 0 } = script;
  if (delayMs === Number.POSITIVE_INFINITY) return;
  if (delayMs > 0) await sleep(delayMs);
  let sent = 0;
  await write(socket, headOf(script));
  if (cut?.afterBytes === 0) return end(socket, cut.by);
  for (const piece of wireOf(script)) {
    if (socket.destroyed) return;
    for (let rest = piece; rest.length > 0; ) {
      const stops = [drip?.bytes, distance(cut?.afterBytes, sent), distance(stall?.afterBytes, sent)];
      const step = Math.min(rest.length, ...stops.filter((stop) => stop !== undefined));
      await write(socket, rest.subarray(0, step));
      rest = rest.subarray(step);
      sent += step;
      if (cut?.afterBytes === sent) return end(socket, cut.by);
      if (stall?.afterBytes === sent) {
        if (stall.forMs === undefined) return;
        await sleep(stall.forMs);
      }
      if (drip !== undefined) await sleep(drip.everyMs);
    }
  }
  if (closesBehind(script)) end(socket, 'fin');
}

/** Bytes to a mark that is still ahead. */
function distance(mark: number | undefined, sent: number): number | undefined {
  return mark !== undefined && mark > sent ? mark - sent : undefined;
}

function end(socket: Socket, by: 'fin' | 'rst'): void {
  // A TLS socket cannot be reset from here; destroying it ends TCP without a close_notify, which is as rude.
  if (by === 'fin') socket.end();
  else if ('encrypted' in socket) socket.destroy();
  else setImmediate(() => socket.resetAndDestroy());
}

/** Resolves when the kernel has the bytes, or the peer is gone. */
function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (bytes.length === 0 || socket.destroyed || socket.writableEnded) resolve();
    else socket.write(bytes, () => resolve());
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function* requestHeads(socket: Socket): AsyncGenerator<string> {
  let pending = '';
  for await (const chunk of socket) {
    pending += Buffer.from(chunk).toString('latin1');
    for (let at = pending.indexOf('\r\n\r\n'); at >= 0; at = pending.indexOf('\r\n\r\n')) {
      const raw = pending.slice(0, at + 4);
      pending = pending.slice(at + 4);
      yield raw;
    }
  }
}

function parseRequest(raw: string, connection: number): RecordedRequest {
  const [first = '', ...lines] = raw.trimEnd().split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const pairs = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.replace(/^[^:]*:\s*/, '')]);
  const headers: Record<string, string> = Object.fromEntries(pairs);
  return { method, path, host: (headers.host ?? '').replace(/:\d+$/, ''), headers, raw, connection };
}

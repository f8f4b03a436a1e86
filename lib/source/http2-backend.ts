import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { Socket } from 'node:net';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type Backend, type BackendOptions, connectorFor, type HttpRequest, MAX_HEADER_BYTES } from './backend.ts';
import { classifyStreamError } from './classify-stream-error.ts';
import type { ConnectionWatch } from './connection-watch.ts';
import type { Exchange } from './exchange.ts';
import { type Connector, targetOf } from './guarded-connect.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { sendBody } from './send-body.ts';
import type { SourcePolicy } from './source.ts';
import { StreamCarrier } from './stream-carrier.ts';
import { Turns } from './turns.ts';

/** What may be on the way at once: 100 ms at 10 MiB/s. Held in memory while the reader is behind. */
const WINDOW_BYTES = 1024 * 1024;
/** Above what fits into our own limit, so that it is we who say HeadersTooLarge; Node would only reset the stream. */
const MAX_HEADER_LIST_BYTES = 8 * MAX_HEADER_BYTES;
const MAX_HEADER_PAIRS = MAX_HEADER_BYTES / 4;

interface Session {
  readonly http2: ClientHttp2Session;
  readonly connection: ConnectionWatch | undefined;
  /** Has carried a request before. */
  isUsed: boolean;
  /** The last stream that the server takes up, once it has said GOAWAY in peace. */
  lastStream: number | undefined;
}

/**
 * HTTP/2 over node:http2, on TLS only: one connection, one stream at a time. What the server resets costs its stream;
 * GOAWAY, broken frames and what we give up ourselves cost the connection, and the next request makes another. Only what
 * a used connection did not take up behind its GOAWAY is sent again at once, as behind the end of any kept connection.
 */
export class Http2Backend implements Backend {
  readonly connector: Connector;
  readonly #origin: URL;
  readonly #policy: SourcePolicy;
  readonly #turns = new Turns();
  #session: Session | undefined;

  constructor(origin: URL, options: BackendOptions) {
    this.#origin = origin;
    this.#policy = options.policy;
    this.connector = connectorFor(options, 'h2');
  }

  get isIdle(): boolean {
    return this.#turns.areOver;
  }

  send(asked: HttpRequest, exchange: Exchange): void {
    this.#turns.take(() => this.#carry(asked, exchange));
  }

  async close(): Promise<void> {
    this.#session?.http2.destroy(new SkyhaulError('Interrupted', 'the source client was closed'));
    await this.connector.close();
  }

  /** Resolves when the connection is free for the next one, or gone. */
  async #carry(asked: HttpRequest, exchange: Exchange): Promise<void> {
    try {
      for (let isTakenUp = false; !isTakenUp && !exchange.isOver; ) {
        const session = await this.#openSession();
        isTakenUp = exchange.isOver || (await this.#exchange(asked, session, exchange));
      }
    } catch (error) {
      exchange.fail(classifyStreamError(error, { host: this.#origin.hostname, rstCode: 0, phase: 'headers' }));
    }
  }

  /** False when the server has not seen it, and another connection may serve it. */
  async #exchange(
    { method, path, headers, body }: HttpRequest,
    session: Session,
    exchange: Exchange,
  ): Promise<boolean> {
    const { http2, isUsed } = session;
    const { host } = this.#origin;
    const stream = http2.request({
      ':method': method,
      ':scheme': 'https',
      ':authority': host,
      ':path': path,
      ...(body instanceof Uint8Array && { 'content-length': String(body.length) }),
      ...headers,
    });
    session.isUsed = true;
    const closed = this.#listen(stream, session, exchange, body);
    // Node ends the stream of a GET by itself.
    if (method !== 'GET' && !(body instanceof OutgoingBody)) stream.end(body);
    const failure = await closed;
    const { lastStream } = session;
    const isSpent = body instanceof OutgoingBody && body.isBegun;
    if (!isSpent && isUsed && lastStream !== undefined && (stream.id ?? Number.POSITIVE_INFINITY) > lastStream)
      return false;
    const phase = exchange.hasHead ? 'body' : 'headers';
    exchange.fail(classifyStreamError(failure, { host: this.#origin.hostname, rstCode: stream.rstCode, phase }));
    return true;
  }

  /** Tells the exchange what comes; resolves with the error of the stream, or without one, when it is closed. */
  async #listen(
    stream: ClientHttp2Stream,
    { http2, connection }: Session,
    exchange: Exchange,
    body: HttpRequest['body'],
  ): Promise<unknown> {
    const { hostname: host } = this.#origin;
    const give = (error: SkyhaulError) => {
      stream.destroy(error);
      http2.destroy();
      connection?.socket.destroy();
    };
    const carrier = new StreamCarrier(exchange, connection, host, this.#policy, give);
    const closed = new Promise((resolve) => stream.once('close', resolve));
    const hasEnded = watchEnd(stream);
    stream.on('headers', () => exchange.receiveInterim());
    stream.on('response', (head, _flags, raw: readonly string[] = []) => {
      if (isTooLarge(raw)) return exchange.breakOff('HeadersTooLarge', 'more than 64 KiB of headers');
      const fields = raw.flatMap((text, index) => (raw[index - (index % 2)]?.startsWith(':') ? [] : [text]));
      exchange.receiveHead(Number(head[':status']), fields, 'stream');
      carrier.carry(stream);
    });
    stream.on('trailers', (_head, _flags, raw: readonly string[] = []) => {
      if (isTooLarge(raw)) exchange.breakOff('HeadersTooLarge', 'more than 64 KiB of trailers');
    });
    stream.on('end', () => {
      if (hasEnded()) exchange.end();
    });
    let failure: unknown;
    stream.on('error', (error) => {
      failure = error;
    });
    exchange.begin(carrier);
    // The connection serves the next one all the same.
    const cut = () => stream.close(constants.NGHTTP2_CANCEL);
    if (body instanceof OutgoingBody) void sendBody(body, stream, { exchange, carrier, cut });
    await closed;
    carrier.release();
    return failure;
  }

  async #openSession(): Promise<Session> {
    const kept = this.#session;
    if (kept !== undefined) {
      if (!kept.http2.closed && !kept.http2.destroyed && kept.connection?.socket.destroyed === false) return kept;
      // Never a second connection beside one that is still open, if only for its GOAWAY.
      kept.http2.destroy();
      kept.connection?.socket.destroy();
      await kept.connection?.closed;
    }
    const socket = await this.#connect();
    const http2 = connect(this.#origin, {
      createConnection: () => socket,
      maxHeaderListPairs: MAX_HEADER_PAIRS,
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES, maxHeaderListSize: MAX_HEADER_LIST_BYTES },
    });
    // Its streams tell what happened; between them nobody needs to know.
    http2.on('error', () => {});
    http2.once('connect', () => http2.setLocalWindowSize(WINDOW_BYTES));
    const session: Session = { http2, connection: this.connector.newest, isUsed: false, lastStream: undefined };
    http2.on('goaway', (code, lastStream) => {
      if (code === constants.NGHTTP2_NO_ERROR) session.lastStream = lastStream;
    });
    this.#session = session;
    return session;
  }

  async #connect(): Promise<Socket> {
    const { host } = this.#origin;
    return await new Promise((resolve, reject) => {
      this.connector.connect(targetOf(this.#origin), (error, socket) => {
        if (error !== null) return reject(error);
        if ('alpnProtocol' in socket && socket.alpnProtocol === 'h2') return resolve(socket);
        socket.destroy();
        reject(new SkyhaulError('TlsFailed', `${host} does not speak HTTP/2`, { host }));
      });
    });
  }
}

/**
 * Whether the stream came to an end of its own (END_STREAM). Node ends a body in the same way when the server resets the
 * stream with NO_ERROR; only then is the stream closed already as its end is put behind the bytes.
 */
function watchEnd(stream: ClientHttp2Stream): () => boolean {
  let hasEnded = false;
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    hasEnded ||= chunk === null && !stream.closed;
    return push(chunk, encoding);
  };
  return () => hasEnded;
}

function isTooLarge(raw: readonly string[]): boolean {
  return raw.reduce((bytes, text) => bytes + text.length + 2, 0) > MAX_HEADER_BYTES;
}

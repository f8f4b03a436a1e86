import { Agent, type ClientRequest, request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type Backend, type BackendOptions, connectorFor, type HttpRequest, MAX_HEADER_BYTES } from './backend.ts';
import type { Exchange } from './exchange.ts';
import { type Connector, targetOf } from './guarded-connect.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { sendBody } from './send-body.ts';
import type { SourcePolicy } from './source.ts';
import { StreamCarrier } from './stream-carrier.ts';
import { Turns } from './turns.ts';

/** HTTP/1.1 over node:http, which keeps one connection; TLS is the connector's, so that node:https has no part in it. */
export class NodeBackend implements Backend {
  readonly connector: Connector;
  readonly #origin: URL;
  readonly #policy: SourcePolicy;
  readonly #agent: Agent;
  readonly #turns = new Turns();

  constructor(origin: URL, options: BackendOptions) {
    this.#origin = origin;
    this.#policy = options.policy;
    this.connector = connectorFor(options, 'node');
    this.#agent = new GuardedAgent(origin, this.connector);
  }

  get isIdle(): boolean {
    return this.#turns.areOver;
  }

  send(asked: HttpRequest, exchange: Exchange): void {
    this.#turns.take(() => this.#carry(asked, exchange));
  }

  async close(): Promise<void> {
    await this.connector.close();
    this.#agent.destroy();
  }

  /** Resolves when the connection is free for the next one, or gone. */
  async #carry({ method, path, headers, body }: HttpRequest, exchange: Exchange): Promise<void> {
    if (exchange.isOver) return;
    const closed = Promise.withResolvers<void>();
    try {
      const { protocol, host } = this.#origin;
      const sent = request({
        agent: this.#agent,
        protocol,
        method,
        path,
        headers: { ...headers, host },
        maxHeaderSize: MAX_HEADER_BYTES,
        insecureHTTPParser: false,
      });
      sent.once('close', closed.resolve);
      this.#listen(sent, exchange, body);
      if (!(body instanceof OutgoingBody)) sent.end(body);
    } catch (error) {
      exchange.fail(error);
      return;
    }
    await closed.promise;
  }

  #listen(sent: ClientRequest, exchange: Exchange, body: HttpRequest['body']): void {
    let carrier: StreamCarrier | undefined;
    // Node hides the headers behind the 2000th, among them perhaps the length; the limit is in bytes.
    sent.maxHeadersCount = 0;
    sent.on('socket', () => {
      const { newest } = this.connector;
      const destroy = (error?: SkyhaulError) => {
        sent.destroy(error);
        newest?.socket.destroy();
      };
      carrier = new StreamCarrier(exchange, newest, this.#origin.hostname, this.#policy, destroy);
      exchange.begin(carrier);
      if (body instanceof OutgoingBody) void sendBody(body, sent, { exchange, carrier, cut: () => destroy() });
    });
    sent.on('information', () => exchange.receiveInterim());
    sent.on('response', (response) => {
      exchange.receiveHead(response.statusCode ?? 0, response.rawHeaders, 'connection');
      response.on('end', () => {
        if (response.complete) exchange.end();
        else exchange.lose();
      });
      response.on('error', (error) => exchange.fail(error));
      response.on('close', () => exchange.lose());
      carrier?.carry(response);
    });
    sent.on('error', (error) => exchange.fail(error));
    sent.on('close', () => {
      carrier?.release();
      exchange.lose();
    });
  }
}

/** Whatever options it is given, it connects to its origin, through the guard. */
class GuardedAgent extends Agent {
  readonly #origin: URL;
  readonly #connector: Connector;

  constructor(origin: URL, connector: Connector) {
    super({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
    // Node compares it with the request's.
    Object.assign(this, { protocol: origin.protocol });
    this.#origin = origin;
    this.#connector = connector;
  }

  override createConnection(_options: unknown, callback?: (error: Error | null, stream: Duplex) => void): undefined {
    this.#connector.connect(targetOf(this.#origin), (error, socket) => {
      callback?.(error, socket as Duplex);
    });
  }
}

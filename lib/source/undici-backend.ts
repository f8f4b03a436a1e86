import { Client, type Dispatcher } from 'undici';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type Backend, type BackendOptions, connectorFor, type HttpRequest, MAX_HEADER_BYTES } from './backend.ts';
import type { Exchange } from './exchange.ts';
import type { Connector } from './guarded-connect.ts';

/** HTTP/1.1 over undici. Its timers, its parser and its keep-alive; none of its interceptors, and no environment. */
export class UndiciBackend implements Backend {
  readonly connector: Connector;
  readonly #client: Client;

  constructor(origin: URL, options: BackendOptions) {
    this.connector = connectorFor(options, 'undici');
    this.#client = new Client(origin.origin, {
      connect: this.connector.connect,
      pipelining: 1,
      allowH2: false,
      // Or the environment would choose the parser (UNDICI_USE_MILO).
      useMilo: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: options.policy.headersTimeoutMs,
      bodyTimeout: options.policy.idleTimeoutMs,
    });
  }

  get isIdle(): boolean {
    return this.#client.stats.size === 0;
  }

  send({ method, path, headers, body }: HttpRequest, exchange: Exchange): void {
    // Its types do not know what its documentation and its code do: that a body may be an async iterable.
    const sent = (body ?? null) as Uint8Array | null;
    this.#client.dispatch({ path, method, headers, body: sent }, handlerOf(exchange, this.connector));
  }

  async close(): Promise<void> {
    await this.#client.destroy(new SkyhaulError('Interrupted', 'the source client was closed'));
    await this.connector.close();
  }
}

function handlerOf(exchange: Exchange, connector: Connector): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller) =>
      exchange.begin({
        connection: connector.newest,
        pause: () => controller.pause(),
        resume: () => controller.resume(),
        abort: (error) => controller.abort(error),
      }),
    onResponseStart: (controller, status) => {
      if (status < 200) return exchange.receiveInterim();
      const raw = controller.rawHeaders;
      exchange.receiveHead(status, Array.isArray(raw) ? raw : [], 'connection');
    },
    onResponseData: (_controller, chunk) => exchange.receive(chunk),
    onResponseEnd: () => exchange.end(),
    onResponseError: (_controller, error) => exchange.fail(error),
  };
}

import { RESERVED_HEADERS } from '../contract/request.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type Network, parseNetworks } from './address-class.ts';
import { checkResponse, type ReceivedHead, readErrorCode } from './check-response.ts';
import { checkUrl } from './check-url.ts';
import { interruptionOf } from './classify-error.ts';
import { discardBody } from './discard-body.ts';
import type { Exchange } from './exchange.ts';
import type { Lookup } from './guarded-connect.ts';
import { firstOf } from './header-list.ts';
import { OriginConnections } from './origin-connections.ts';
import { decideRedirect } from './redirect.ts';
import type { Framing, NotModified, OpenedSource, SourceClient, SourcePolicy, SourceRequest } from './source.ts';
import { WINDOW_MS } from './throughput-window.ts';
import { readValidators } from './validators.ts';

export interface SourceClientOptions {
  readonly policy: SourcePolicy;
  /** CIDRs that may be reached beside the public addresses. */
  readonly allowNetworks: readonly string[];
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Instead of the system's name resolution. */
  readonly lookup?: Lookup;
  /** Trusted instead of the system's roots, PEM. */
  readonly ca?: string;
  /** Length of the window of `minBytesPerSecond`, milliseconds. @default 60_000 */
  readonly throughputWindowMs?: number;
}

/**
 * The source client over undici, HTTP/1.1. It follows redirects itself, each through the address guard; asks for
 * `identity`; and uses neither proxies of the environment nor any of undici's interceptors.
 * @throws SkyhaulError BatchInvalid when an allowed network is no CIDR.
 */
export function createSourceClient(options: SourceClientOptions): SourceClient {
  return new UndiciSourceClient(options);
}

class UndiciSourceClient implements SourceClient {
  readonly #policy: SourcePolicy;
  readonly #now: () => number;
  readonly #allowed: readonly Network[];
  readonly #connections: OriginConnections;

  constructor(options: SourceClientOptions) {
    this.#policy = options.policy;
    this.#now = options.now;
    this.#allowed = parseNetworks(options.allowNetworks);
    this.#connections = new OriginConnections({
      policy: options.policy,
      allowed: this.#allowed,
      lookup: options.lookup,
      ca: options.ca,
      windowMs: options.throughputWindowMs ?? WINDOW_MS,
      now: options.now,
    });
  }

  async open(request: SourceRequest): Promise<OpenedSource | NotModified> {
    refuseReserved(request.headers);
    let url = checkUrl(request.url, this.#allowed);
    let given = request.headers;
    for (let followed = 0; ; followed += 1) {
      if (request.signal.aborted) throw interruptionOf(request.signal);
      const exchange = this.#connections.send(url, this.#headers(given, request.ifNoneMatch), request.signal);
      const head = await exchange.head;
      const decision = checkResponse(head, { url, ifNoneMatch: request.ifNoneMatch, nowMs: this.#now() });
      switch (decision.action) {
        case 'body':
          return opened(url, head, decision.framing, exchange);
        case 'not-modified':
          await discardBody(exchange, head.framing);
          return { status: 304 };
        case 'fail':
          throw withCode(decision.error, await discardBody(exchange, head.framing));
        case 'redirect': {
          await discardBody(exchange, head.framing);
          const { maxRedirects } = this.#policy;
          const next = decideRedirect({ from: url, headers: head.headers, followed, maxRedirects }, this.#allowed);
          if (next.action === 'refuse') throw next.error;
          if (!next.isSameOrigin) given = {};
          url = next.url;
        }
      }
    }
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  #headers(given: Readonly<Record<string, string>>, ifNoneMatch: string | undefined): Record<string, string> {
    const lower = Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
    return {
      accept: '*/*',
      'user-agent': this.#policy.userAgent,
      ...lower,
      // With gzip, CDNs ignore ranges and serve other bytes under the same ETag.
      'accept-encoding': 'identity',
      ...(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }),
    };
  }
}

function opened(url: URL, head: ReceivedHead, framing: Framing, exchange: Exchange): OpenedSource {
  const coding = firstOf(head.headers, 'content-encoding')?.toLowerCase();
  return {
    status: head.status,
    finalUrl: url,
    framing,
    validators: readValidators(head.headers),
    contentType: firstOf(head.headers, 'content-type') || undefined,
    contentEncoding: coding === '' || coding === 'identity' ? undefined : coding,
    body: exchange.body,
    close: () => exchange.drop(),
  };
}

/** The list was checked for them; who calls with one all the same would change host, range or framing unseen. */
function refuseReserved(headers: Readonly<Record<string, string>>): void {
  const reserved = Object.keys(headers).find((name) => RESERVED_HEADERS.includes(name.toLowerCase()));
  if (reserved !== undefined) throw new SkyhaulError('BatchInvalid', `Skyhaul sets the header ${reserved} itself`);
}

function withCode(error: SkyhaulError, body: string): SkyhaulError {
  const code = error.name === 'AccessDenied' ? readErrorCode(body) : undefined;
  return code === undefined ? error : new SkyhaulError(error.name, `${error.message} (${code})`, error.details);
}

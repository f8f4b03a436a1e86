import { RESERVED_HEADERS } from '../contract/request.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type Network, parseNetworks } from './address-class.ts';
import type { Hop } from './authorize.ts';
import { checkResponse, fail, readErrorCode } from './check-response.ts';
import { checkUrl } from './check-url.ts';
import { interruptionOf } from './classify-error.ts';
import { Cookies } from './cookies.ts';
import { discardBody } from './discard-body.ts';
import type { Lookup } from './guarded-connect.ts';
import { judgeResume } from './judge-resume.ts';
import { type Answer, openedRange, openedSource, resumedSource } from './opened-source.ts';
import { OriginConnections } from './origin-connections.ts';
import { becomesGet, decideRedirect, isRedirect, withoutContent } from './redirect.ts';
import type {
  BackendChoice,
  NotModified,
  OpenedSource,
  PinnedVersion,
  Resumed,
  ResumeRequest,
  SourceClient,
  SourcePolicy,
  SourceRequest,
  TlsSettings,
} from './source.ts';
import { WINDOW_MS } from './throughput-window.ts';
import { judgeRange, rangeHeader } from './wanted-range.ts';

type Headers = Readonly<Record<string, string>>;

/** One request of a chain of redirects. */
interface Sent extends Omit<Hop, 'headers'> {
  readonly given: Headers;
  readonly own: Headers;
  /** No redirect has led away from the origin of the item yet. */
  readonly isOwnOrigin: boolean;
}

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
  /** Of requests that name none. @default 'auto' */
  readonly backend?: BackendChoice;
}

/**
 * The source client, over any back-end. It follows redirects itself, each through the address guard; asks for
 * `identity`; and uses no proxies of the environment.
 * @throws SkyhaulError BatchInvalid when an allowed network is no CIDR.
 */
export function createSourceClient(options: SourceClientOptions): SourceClient {
  return new HttpSourceClient(options);
}

class HttpSourceClient implements SourceClient {
  readonly #policy: SourcePolicy;
  readonly #now: () => number;
  readonly #allowed: readonly Network[];
  readonly #connections: OriginConnections;
  readonly #backend: BackendChoice;
  readonly #cookies = new Cookies();
  /** Origins seen to answer a range where If-Range made them send the whole of the same version. */
  readonly #ignoringIfRange = new Set<string>();

  constructor(options: SourceClientOptions) {
    this.#policy = options.policy;
    this.#now = options.now;
    this.#allowed = parseNetworks(options.allowNetworks);
    this.#backend = options.backend ?? 'auto';
    this.#connections = new OriginConnections({
      policy: options.policy,
      allowed: this.#allowed,
      lookup: options.lookup,
      tls: options.ca === undefined ? undefined : { ca: options.ca },
      windowMs: options.throughputWindowMs ?? WINDOW_MS,
      now: options.now,
    });
  }

  async open(request: SourceRequest): Promise<OpenedSource | NotModified> {
    const { ifNoneMatch } = request;
    const own: Headers = {
      ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
      ...(request.range !== undefined && { range: rangeHeader(request.range) }),
    };
    const answer = await this.#ask(request, () => own);
    const decision = judgeOpened(answer, request, this.#now());
    if (decision.action === 'body') {
      const source = openedSource(answer, decision.framing);
      return request.method === 'POST' ? { ...source, version: undefined } : source;
    }
    if (decision.action === 'range') return openedRange(answer, decision);
    const body = await discardBody(answer.exchange, answer.head.framing);
    if (decision.action === 'fail') throw withCode(decision.error, body);
    return { status: 304 };
  }

  async resume(request: ResumeRequest): Promise<Resumed> {
    if (validatorOf(request.version) === undefined) return { kind: 'changed', why: 'the version has no validator' };
    return await this.#resume(request, 'conditional');
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #resume(request: ResumeRequest, how: 'conditional' | 'plain'): Promise<Resumed> {
    const isConditional = (origin: string) => how === 'conditional' && !this.#ignoringIfRange.has(origin);
    const absolute = inSource(request);
    const answer = await this.#ask(request, (origin) => rangeHeaders(absolute, isConditional(origin)));
    const { url, head, exchange } = answer;
    const asked = { ...absolute, url, nowMs: this.#now(), isConditional: isConditional(url.origin) };
    const decision = judgeResume(head, asked);
    if (decision.action === 'rest') {
      if (how === 'plain') this.#ignoringIfRange.add(url.origin);
      return { kind: 'rest', source: resumedSource(answer, request, decision) };
    }
    if (decision.action === 'whole' && request.version.window !== undefined) {
      // Begun anew it is asked for as a range, and refused if it is none.
      await exchange.drop();
      return { kind: 'changed', why: 'the source sends the whole instead of its range' };
    }
    if (decision.action === 'whole') {
      return { kind: 'whole', why: decision.why, source: openedSource(answer, decision.framing) };
    }
    const body = await discardBody(exchange, head.framing);
    switch (decision.action) {
      case 'fail':
        throw withCode(decision.error, body);
      case 'ask-plainly':
        return await this.#resume(request, 'plain');
      case 'confirm-end':
        return await this.#confirmEnd(request);
      case 'complete':
        return { kind: 'complete' };
      case 'changed':
        return { kind: 'changed', why: decision.why };
    }
  }

  /** A source that ends where we stand may be another one, as long by chance: its last byte must be of our version. */
  async #confirmEnd(request: ResumeRequest): Promise<Resumed> {
    const last = request.from - 1;
    const version = { ...request.version, bytes: request.from };
    const resumed = await this.#resume({ ...request, version, from: last, to: last }, 'conditional');
    if (resumed.kind !== 'rest') return resumed;
    await resumed.source.close();
    return { kind: 'complete' };
  }

  /** Sends a request, and again wherever redirects lead. `own` headers are ours and go along to every origin. */
  async #ask(request: SourceRequest | ResumeRequest, own: (origin: string) => Headers): Promise<Answer> {
    refuseReserved(request.headers);
    let url = checkUrl(request.url, this.#allowed);
    let given = request.headers;
    let isOwnOrigin = true;
    let { method = 'GET', body } = request;
    const chosen = request.backend ?? this.#backend;
    const backend = chosen === 'auto' ? 'undici' : chosen;
    for (let followed = 0; ; followed += 1) {
      if (request.signal.aborted) throw interruptionOf(request.signal);
      if (backend === 'h2' && url.protocol === 'http:') throw notOverTls(url);
      const headers = await this.#headers(request, { method, url, body, given, own: own(url.origin), isOwnOrigin });
      const exchange = await this.#connections.send(
        url,
        { method, headers, body },
        { signal: request.signal, name: backend, tls: tlsAt(request, isOwnOrigin) },
      );
      const head = await exchange.head;
      if (request.keepsCookies === true) await this.#cookies.keep(url, head.headers);
      if (!isRedirect(head.status)) return { url, head, exchange };
      await discardBody(exchange, head.framing);
      const { maxRedirects } = this.#policy;
      const next = decideRedirect({ from: url, headers: head.headers, followed, maxRedirects }, this.#allowed);
      if (next.action === 'refuse') throw next.error;
      if (method === 'POST' && becomesGet(head.status)) {
        method = 'GET';
        body = undefined;
        given = withoutContent(given);
      }
      if (!next.isSameOrigin) {
        if (method === 'POST') throw postsElsewhere(url, next.url);
        given = {};
        isOwnOrigin = false;
      }
      url = next.url;
    }
  }

  async #headers(request: SourceRequest | ResumeRequest, hop: Sent): Promise<Headers> {
    const { given, own, isOwnOrigin, method, url, body } = hop;
    const lower = Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
    const headers: Headers = {
      accept: '*/*',
      'user-agent': this.#policy.userAgent,
      ...lower,
      // With gzip, CDNs ignore ranges and serve other bytes under the same ETag.
      'accept-encoding': 'identity',
      ...(request.keepsCookies === true && (await this.#cookies.headerFor(url, lower.cookie))),
      ...own,
    };
    if (request.authorize === undefined || !isOwnOrigin) return headers;
    return { ...headers, ...(await request.authorize({ method, url, headers, body })) };
  }
}

/** A POST answers with what it likes, but never with a range; what it says of versions means nothing (RFC 9110 9.3.3). */
function judgeOpened({ url, head }: Answer, { range, ifNoneMatch }: SourceRequest, nowMs: number) {
  const asked = { url, nowMs };
  if (range === undefined || (head.status >= 300 && head.status !== 416)) {
    return checkResponse(head, { ...asked, ifNoneMatch });
  }
  if (head.status === 206) return judgeRange(head, range, asked);
  return fail(head, asked, 'RangeNotServed', `${head.status} to ${rangeHeader(range)}`);
}

/** Another origin does not see who we are. */
function tlsAt({ tls }: SourceRequest | ResumeRequest, isOwnOrigin: boolean): TlsSettings | undefined {
  return isOwnOrigin || tls === undefined ? tls : { ...tls, clientCertificate: undefined };
}

/** What is read may be a window of the source; the source counts from its own first byte. */
function inSource(request: ResumeRequest): ResumeRequest {
  const { version, from, to } = request;
  const { window, bytes } = version;
  if (window === undefined || bytes === undefined) return request;
  const last = window.from + (to ?? bytes - 1);
  const isEnd = to === undefined && last === window.totalBytes - 1;
  const { to: _, ...rest } = request;
  return {
    ...rest,
    version: { ...version, bytes: window.totalBytes },
    from: window.from + from,
    ...(!isEnd && { to: last }),
  };
}

function rangeHeaders({ version, from, to }: ResumeRequest, isConditional: boolean): Headers {
  const validator = validatorOf(version);
  return {
    range: `bytes=${from}-${to ?? ''}`,
    ...(isConditional && validator !== undefined ? { 'if-range': validator } : {}),
  };
}

/** What If-Range carries: the entity tag; the date only where there is none (RFC 9110 13.1.5). */
function validatorOf({ etag, modified }: PinnedVersion): string | undefined {
  return etag ?? modified;
}

/** The list was checked for them; who calls with one all the same would change host, range or framing unseen. */
function refuseReserved(headers: Readonly<Record<string, string>>): void {
  const reserved = Object.keys(headers).find((name) => RESERVED_HEADERS.includes(name.toLowerCase()));
  if (reserved !== undefined) throw new SkyhaulError('BatchInvalid', `Skyhaul sets the header ${reserved} itself`);
}

function notOverTls(url: URL): SkyhaulError {
  return new SkyhaulError('UrlRefused', `${redactUrl(url.href)} is http; the back-end h2 needs https`, {
    host: url.host,
  });
}

/** What was posted may be a secret like any header, and was meant for its own host. */
function postsElsewhere(from: URL, to: URL): SkyhaulError {
  const message = `${redactUrl(from.href)} sends a POST on to ${to.host}; what is posted goes to its own origin only`;
  return new SkyhaulError('RedirectRefused', message, { host: from.host });
}

function withCode(error: SkyhaulError, body: string): SkyhaulError {
  const code = error.name === 'AccessDenied' ? readErrorCode(body) : undefined;
  return code === undefined ? error : new SkyhaulError(error.name, `${error.message} (${code})`, error.details);
}

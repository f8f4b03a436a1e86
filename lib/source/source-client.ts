import { RESERVED_HEADERS } from '../contract/request.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type Network, parseNetworks } from './address-class.ts';
import type { Hop } from './authorize.ts';
import { checkWhole, readErrorCode } from './check-response.ts';
import { checkUrl } from './check-url.ts';
import { interruptionOf } from './classify-error.ts';
import { Cookies } from './cookies.ts';
import { discardBody } from './discard-body.ts';
import type { Lookup } from './guarded-connect.ts';
import type { HostSeats } from './host-seats.ts';
import { judgeOpened, openHeaders } from './judge-opened.ts';
import { judgeResume } from './judge-resume.ts';
import { type Answer, openedRange, openedSource, resumedSource } from './opened-source.ts';
import { OriginConnections } from './origin-connections.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { readText } from './read-text.ts';
import { becomesGet, decideRedirect, isRedirect, withoutContent } from './redirect.ts';
import { inSource, rangeHeaders, validatorOf } from './resume-headers.ts';
import type { Robots } from './robots.ts';
import { MAX_ROBOTS_BYTES } from './robots-rules.ts';
import type {
  BackendChoice,
  MayAsk,
  NotModified,
  OpenedSource,
  Resumed,
  ResumeRequest,
  SourceClient,
  SourcePolicy,
  SourceRequest,
  TlsSettings,
} from './source.ts';
import { StreamedBody } from './streamed-body.ts';
import { WINDOW_MS } from './throughput-window.ts';

type Headers = Readonly<Record<string, string>>;

/** RFC 9309 2.3.1.2: "at least five". */
const MAX_ROBOTS_REDIRECTS = 5;

/** One request of a chain of redirects. */
interface Sent extends Omit<Hop, 'headers' | 'body'> {
  readonly body: SourceRequest['body'];
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
  /** Asked before every request, each hop of a redirect included. What it throws is thrown instead of asking. */
  readonly mayAsk?: MayAsk | undefined;
  /** Obeyed, where there are some. The delays that they ask for are kept by `mayAsk`. */
  readonly robots?: Robots | undefined;
  /** Shared with other clients, so that they are not too many at one host together. */
  readonly seats?: HostSeats | undefined;
}

/**
 * The source client, over any back-end. It follows redirects itself, each through the address guard; asks for
 * `identity`; and uses no proxy but the one of the request, none of the environment.
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
  readonly #mayAsk: SourceClientOptions['mayAsk'];
  readonly #robots: Robots | undefined;
  readonly #cookies = new Cookies();
  /** Origins seen to answer a range where If-Range made them send the whole of the same version. */
  readonly #ignoringIfRange = new Set<string>();

  constructor(options: SourceClientOptions) {
    this.#policy = options.policy;
    this.#now = options.now;
    this.#allowed = parseNetworks(options.allowNetworks);
    this.#backend = options.backend ?? 'auto';
    this.#mayAsk = options.mayAsk;
    this.#robots = options.robots;
    this.#connections = new OriginConnections({
      policy: options.policy,
      allowed: this.#allowed,
      lookup: options.lookup,
      tls: options.ca === undefined ? undefined : { ca: options.ca },
      windowMs: options.throughputWindowMs ?? WINDOW_MS,
      now: options.now,
      seats: options.seats,
    });
  }

  async open(request: SourceRequest): Promise<OpenedSource | NotModified> {
    const own = openHeaders(request);
    const answer = await this.#ask(request, () => own);
    const decision = judgeOpened(answer, request, this.#now());
    if (decision.action === 'body') {
      const source = openedSource(answer, decision.framing);
      return request.method === 'POST' ? { ...source, version: undefined } : source;
    }
    if (decision.action === 'range') return openedRange(answer, decision);
    const body = await discardBody(answer.exchange, answer.head.framing);
    if (decision.action === 'fail') throw withCode(decision.error, body);
    if (decision.action === 'ask-plainly') {
      return await this.open({ ...request, ifNoneMatch: undefined, ifModifiedSince: undefined });
    }
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

  /** Of the origin that is to be asked something else: the same way there, but nobody says who asks for it. */
  async #readRobots(url: string, userAgent: string, { tls, proxy, backend, signal }: SourceRequest): Promise<string> {
    const request = { url, headers: { 'user-agent': userAgent }, tls, proxy, backend, signal };
    const { url: at, head, exchange } = await this.#ask(request, () => ({}), { isRobots: true });
    const decision = checkWhole(head, { url: at, nowMs: this.#now() });
    if (decision.action === 'body') return await readText(exchange, MAX_ROBOTS_BYTES);
    await discardBody(exchange, head.framing);
    throw decision.error;
  }

  async #admit(url: URL, request: SourceRequest | ResumeRequest, given: Headers): Promise<number> {
    if (this.#robots === undefined) return 0;
    const name = Object.keys(given).find((one) => one.toLowerCase() === 'user-agent') ?? '';
    const userAgent = given[name] ?? this.#policy.userAgent;
    const read = (robots: string) => this.#readRobots(robots, userAgent, request);
    return await this.#robots.admit({ url, userAgent, read });
  }

  /** Sends a request, and again wherever redirects lead. `own` headers are ours and go along to every origin. */
  async #ask(
    request: SourceRequest | ResumeRequest,
    own: (origin: string) => Headers,
    { isRobots = false } = {},
  ): Promise<Answer> {
    refuseReserved(request.headers);
    let url = checkUrl(request.url, this.#allowed);
    let given = request.headers;
    let isOwnOrigin = true;
    let { method = 'GET', body } = request;
    const chosen = request.backend ?? this.#backend;
    const backend = chosen === 'auto' ? 'undici' : chosen;
    for (let followed = 0; ; followed += 1) {
      const delayMs = isRobots ? 0 : await this.#admit(url, request, given);
      await this.#mayAsk?.(url, delayMs, request.signal);
      if (request.signal.aborted) throw interruptionOf(request.signal);
      if (backend === 'h2' && url.protocol === 'http:') throw notOverTls(url);
      const headers = await this.#headers(request, { method, url, body, given, own: own(url.origin), isOwnOrigin });
      const sent = body instanceof StreamedBody ? body.open() : body;
      const exchange = await this.#connections.send(
        url,
        { method, headers, body: sent },
        { signal: request.signal, name: backend, tls: tlsAt(request, isOwnOrigin), proxy: request.proxy },
      );
      const head = await exchange.head;
      // Whoever answers so reads no more of it (RFC 9112 9.3); others may answer while they read.
      if (head.status >= 300 && sent instanceof OutgoingBody) sent.hold();
      if (request.keepsCookies === true) await this.#cookies.keep(url, head.headers);
      if (!isRedirect(head.status)) return { url, head, exchange };
      await discardBody(exchange, head.framing);
      const { maxRedirects } = isRobots ? { maxRedirects: MAX_ROBOTS_REDIRECTS } : this.#policy;
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
      if (body instanceof StreamedBody && !body.canBeSent) throw sentOnce(url, next.url);
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
      ...(body instanceof StreamedBody && body.bytes !== undefined && { 'content-length': String(body.bytes) }),
      ...own,
    };
    if (request.authorize === undefined || !isOwnOrigin) return headers;
    const known = body instanceof StreamedBody ? 'streamed' : body;
    return { ...headers, ...(await request.authorize({ method, url, headers, body: known })) };
  }
}

/** Another origin does not see who we are. */
function tlsAt({ tls }: SourceRequest | ResumeRequest, isOwnOrigin: boolean): TlsSettings | undefined {
  return isOwnOrigin || tls === undefined ? tls : { ...tls, clientCertificate: undefined };
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

function sentOnce(from: URL, to: URL): SkyhaulError {
  const message = `${redactUrl(from.href)} sends a POST on to ${redactUrl(to.href)}, and its \`body\` was a stream; give a function that opens it to have it sent again`;
  return new SkyhaulError('RedirectRefused', message, { host: from.host });
}

function withCode(error: SkyhaulError, body: string): SkyhaulError {
  const code = error.name === 'AccessDenied' ? readErrorCode(body) : undefined;
  return code === undefined ? error : new SkyhaulError(error.name, `${error.message} (${code})`, error.details);
}

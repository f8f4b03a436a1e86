import { describe, test } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import type { BackendName, NotModified, OpenedSource, SourceClient, SourcePolicy } from '../../lib/source/source.ts';
import { createSourceClient, type SourceClientOptions } from '../../lib/source/source-client.ts';
import { type Answer, type Origin, type OriginOptions, startOrigin } from '../support/origin.ts';
import { makeCertificate } from '../support/origin-certificate.ts';

const LOOPBACK = ['127.0.0.0/8'];

const policy: SourcePolicy = {
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
  minBytesPerSecond: 0,
  maxRedirects: 10,
  userAgent: 'skyhaul-test',
};

type Changes = Partial<Omit<SourceClientOptions, 'policy'>> & { readonly policy?: Partial<SourcePolicy> };

interface Source {
  /** A client allowed to reach loopback; closed with the test. */
  readonly client: (changes?: Changes) => SourceClient;
  /** Opens and reads to the end or to the error. */
  readonly read: (path: string, request?: AskedOf) => Promise<Read>;
  /** `read`, or the name of the error that opening or reading ends with. */
  readonly outcome: (path: string, request?: AskedOf) => Promise<string>;
  /** The error that opening ends with. */
  readonly refusal: (path: string, request?: AskedOf) => Promise<SkyhaulError>;
}

interface AskedOf {
  readonly headers?: Record<string, string>;
  readonly ifNoneMatch?: string;
  readonly client?: SourceClient;
}

export interface Read {
  readonly opened: OpenedSource;
  readonly bytes: Buffer;
  readonly error: SkyhaulError | undefined;
}

/** Over TLS, as HTTP/2 must be. */
const names = Array.from({ length: 30 }, (_, host) => `h${host}.test`);
const tls = makeCertificate({ names: ['localhost', '127.0.0.1', 'a.test', 'b.test', ...names] });

interface Fixtures {
  readonly origin: Origin;
  readonly source: Source;
  /** Another origin, which speaks what the back-end speaks; closed with the test. */
  readonly startOther: (routes?: Readonly<Record<string, Answer>>, options?: OriginOptions) => Promise<Origin>;
}

/** A test with an origin that speaks what the back-end speaks and a client, both closed behind it. */
export function testOver(backend: BackendName) {
  const isHttp2 = backend === 'h2';
  const start = (routes: Readonly<Record<string, Answer>> = {}, options: OriginOptions = {}) =>
    startOrigin(routes, { ...(isHttp2 ? { tls } : {}), ...options, http2: isHttp2 });

  return test.extend<Fixtures>({
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures from the pattern
    startOther: async ({}, use) => {
      const started: Origin[] = [];
      await use(async (routes, options) => {
        const other = await start(routes, options);
        started.push(other);
        return other;
      });
      await Promise.all(started.map((other) => other.close()));
    },
    origin: async ({ startOther }, use) => {
      await use(await startOther());
    },
    source: async ({ origin }, use) => {
      const clients: SourceClient[] = [];
      const client = (changes: Changes = {}) => {
        const made = createSourceClient({
          allowNetworks: LOOPBACK,
          now: Date.now,
          backend,
          ...(isHttp2 ? { ca: tls.cert } : {}),
          ...changes,
          policy: { ...policy, ...changes.policy },
        });
        clients.push(made);
        return made;
      };
      const urlOf = (path: string) => (path.startsWith('/') ? origin.url(path) : path);
      const read = async (path: string, request: AskedOf = {}) =>
        readAll(await openAt(request.client ?? client(), urlOf(path), request));
      const refusal = (path: string, request: AskedOf = {}) =>
        failureOf((request.client ?? client()).open(asked(urlOf(path), request)));
      const outcome = (path: string, request: AskedOf = {}) =>
        read(path, request).then(
          ({ error }) => error?.name ?? 'read',
          (error: unknown) => (error instanceof SkyhaulError ? error.name : String(error)),
        );
      await use({ client, read, outcome, refusal });
      await Promise.all(clients.map((made) => made.close()));
    },
  });
}

/** Over undici, for what no back-end has a part in. */
export const it = testOver('undici');

export const EVERY_BACKEND = ['undici', 'node', 'h2'] as const satisfies readonly BackendName[];
/** What is about the wire of HTTP/1.1. */
export const HTTP1 = ['undici', 'node'] as const satisfies readonly BackendName[];

/** The same tests over each of these back-ends: what they promise is written once. */
export function conformance<Name extends BackendName>(
  title: string,
  backends: readonly Name[],
  tests: (it: ReturnType<typeof testOver>, backend: Name) => void,
): void {
  for (const backend of backends) describe(`${title} (${backend})`, () => tests(testOver(backend), backend));
}

export function asked(url: string, { headers = {}, ifNoneMatch }: AskedOf = {}, signal = new AbortController().signal) {
  return { url, headers, signal, ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) };
}

export async function openAt(client: SourceClient, url: string, request: AskedOf = {}): Promise<OpenedSource> {
  return withBody(await client.open(asked(url, request)));
}

export function withBody(opened: OpenedSource | NotModified): OpenedSource {
  if (!('body' in opened)) throw new Error('the source answered 304');
  return opened;
}

export async function readAll(opened: OpenedSource): Promise<Read> {
  return { opened, ...(await readBody(opened.body)) };
}

/** Everything that comes, and the error behind it. */
export async function readBody(body: AsyncIterable<Uint8Array>): Promise<Omit<Read, 'opened'>> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk);
  } catch (error) {
    if (!(error instanceof SkyhaulError)) throw error;
    return { bytes: Buffer.concat(chunks), error };
  }
  return { bytes: Buffer.concat(chunks), error: undefined };
}

export async function failureOf(promise: Promise<unknown>): Promise<SkyhaulError> {
  const settled = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (settled instanceof SkyhaulError) return settled;
  throw new Error('expected a SkyhaulError', { cause: settled });
}

/** What a function throws. */
export function thrownBy(act: () => unknown): SkyhaulError {
  try {
    act();
  } catch (error) {
    if (error instanceof SkyhaulError) return error;
    throw error;
  }
  throw new Error('expected it to throw');
}

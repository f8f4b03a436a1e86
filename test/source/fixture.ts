import { test } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import type { NotModified, OpenedSource, SourceClient, SourcePolicy } from '../../lib/source/source.ts';
import { createSourceClient, type SourceClientOptions } from '../../lib/source/undici-client.ts';
import { type Origin, startOrigin } from '../support/origin.ts';

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

export interface Source {
  /** A client allowed to reach loopback; closed with the test. */
  readonly client: (changes?: Changes) => SourceClient;
  /** Opens and reads to the end or to the error. */
  readonly read: (path: string, request?: AskedOf) => Promise<Read>;
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

/** A test with an origin and a client, both closed behind it. */
export const it = test.extend<{ origin: Origin; source: Source }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures from the pattern
  origin: async ({}, use) => {
    const origin = await startOrigin();
    await use(origin);
    await origin.close();
  },
  source: async ({ origin }, use) => {
    const clients: SourceClient[] = [];
    const client = (changes: Changes = {}) => {
      const made = createSourceClient({
        allowNetworks: LOOPBACK,
        now: Date.now,
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
    await use({ client, read, refusal });
    await Promise.all(clients.map((made) => made.close()));
  },
});

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

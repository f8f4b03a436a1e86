/**
 * The SDK's client with every default changed that loses time or hides a failure: it has no request timeout, opens a
 * connection per part (`Expect: 100-continue`), and hashes every body with SHA-256 although CRC32 and TLS are at work.
 */
import { Readable } from 'node:stream';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { RENEWED } from './s3-errors.ts';
import { ShortWay } from './s3-short-way.ts';

export interface S3ClientOptions {
  /** What is not given is left to the SDK's own provider chain. */
  readonly region?: string;
  /** Another S3 than AWS; buckets then stand in the path. */
  readonly endpoint?: string;
  readonly credentials?: S3ClientConfig['credentials'];
  /** For a request with its answer's headers. Default 120 s: a 64 MiB part at 0.6 MB/s. */
  readonly requestTimeoutMs?: number;
  /** TCP and TLS together. Default 10 s. */
  readonly connectionTimeoutMs?: number;
  /** Tries of one request, beside that of the short way. Default 8; S3 answers SlowDown in bursts. */
  readonly maxAttempts?: number;
  /** Epoch milliseconds; the time of signatures is the SDK's own affair. */
  readonly now?: () => number;
  /** 0 ≤ x < 1 */
  readonly random?: () => number;
}

/** Sockets at once. */
const MAX_SOCKETS = 256;
/** Of a body on its way to the socket. */
const PIECE_BYTES = 256 * 1024;

const silence = () => undefined;
const SILENT = { trace: silence, debug: silence, info: silence, warn: silence, error: silence };
const UNSIGNED = 'UNSIGNED-PAYLOAD';
const HASH_HEADER = 'x-amz-content-sha256';

/** One client per process is best: its retries share one budget and one rate. */
export function createS3Client(options: S3ClientOptions = {}): S3Client {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const { connectionTimeoutMs = 10_000, requestTimeoutMs = 120_000, maxAttempts = 8 } = options;
  const client = new S3Client({
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint, forcePathStyle: true }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    // Slows down as a whole when S3 asks one of its requests to.
    retryMode: 'adaptive',
    maxAttempts,
    // Ours are sent, for every body.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    // What goes wrong comes out as an error; the SDK would also write it to the console.
    logger: SILENT,
    requestHandler: {
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
  leavePayloadsUnsigned(client);
  sendInPieces(client);
  renewExpiredCredentials(client);
  const { now = Date.now, random = Math.random } = options;
  const short = { connectionTimeoutMs, requestTimeoutMs, maxSockets: MAX_SOCKETS, now, random };
  // Whoever may try once cannot try another way.
  if (maxAttempts > 1) shortWays.set(client, new ShortWay(client, short));
  return client;
}

const shortWays = new WeakMap<S3Client, ShortWay>();

/** None of clients that others made. Whoever ends the client closes it, too. */
export function shortWayOf(client: S3Client): ShortWay | undefined {
  return shortWays.get(client);
}

/**
 * S21: the SDK keeps credentials until they say that they expire, which S3 may see otherwise (a clock, a session that was
 * ended). They are asked for anew and the request is sent once more; a body that cannot be, at the next try of its owner.
 */
function renewExpiredCredentials(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const used = await client.config.credentials();
      try {
        return await next(args);
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'ExpiredToken') throw error;
        // Another request may have renewed them meanwhile.
        const isUsed = ({ sessionToken }: { sessionToken?: string }) => sessionToken === used.sessionToken;
        const isStale = isUsed(await client.config.credentials());
        if (isStale && isUsed(await client.config.credentials({ forceRefresh: true }))) throw error;
        if ('Body' in args.input && args.input.Body instanceof Readable) throw Object.assign(error, { name: RENEWED });
        return next(args);
      }
    },
    { step: 'initialize', name: 'renewExpiredCredentials', priority: 'high' },
  );
}

/** Only over TLS: there nobody can change a body that the CRC32 would not show to be damaged. */
function leavePayloadsUnsigned(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => (args) => {
      const { request } = args;
      const hasBody = context.commandName === 'PutObjectCommand' || context.commandName === 'UploadPartCommand';
      // A streamed part says itself how its payload is framed.
      if (hasBody && isHttpsRequest(request)) request.headers[HASH_HEADER] ??= UNSIGNED;
      return next(args);
    },
    { step: 'build', name: 'leavePayloadsUnsigned', priority: 'low' },
  );
}

/**
 * A body in one piece is encrypted as a whole before the first byte leaves: every part on its way would be in memory
 * twice, and the second time outside any budget. Of each try, so that the SDK still has bytes that it can send again.
 */
function sendInPieces(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (typeof request !== 'object' || request === null || !('body' in request)) return next(args);
      const { body } = request;
      if (!(body instanceof Uint8Array) || body.length <= PIECE_BYTES) return next(args);
      const copy: object = Object.create(Object.getPrototypeOf(request));
      const pieces = Readable.from(piecesOf(body), { objectMode: false, highWaterMark: 1 });
      return next({ ...args, request: Object.assign(copy, request, { body: pieces }) });
    },
    { step: 'deserialize', name: 'sendInPieces', priority: 'low' },
  );
}

function* piecesOf(body: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let from = 0; from < body.length; from += PIECE_BYTES) yield body.subarray(from, from + PIECE_BYTES);
}

function isHttpsRequest(request: unknown): request is { headers: Record<string, string> } {
  return (
    typeof request === 'object' &&
    request !== null &&
    'protocol' in request &&
    request.protocol === 'https:' &&
    'headers' in request &&
    typeof request.headers === 'object'
  );
}

/**
 * An S3 in this process on a real loopback socket, buckets in the path: fast enough for gigabytes, and as strict as S3
 * where Skyhaul relies on it (part order and sizes, ETags, checksums, conditions). Signatures are not verified; what it
 * cannot check it refuses with NotImplemented. Takes fault rules, and tells what it holds and what it was asked.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { MAX_KEY_BYTES, MAX_PART_BYTES, MIN_PART_BYTES } from '../../lib/contract/limits.ts';
import { receiveBody } from './memory-s3-body.ts';
import { type Handler, handlers } from './memory-s3-handlers.ts';
import { pacer } from './memory-s3-pace.ts';
import { S3Problem } from './memory-s3-problem.ts';
import { Bucket, type Rules } from './memory-s3-state.ts';
import { type LoggedCall, type MemoryS3View, viewOf } from './memory-s3-view.ts';
import type { TestCertificate } from './origin-certificate.ts';
import { type Answer, type Call, errorAnswer, readCall, sendAnswer } from './store-faults-call.ts';
import { FaultLayer } from './store-faults-layer.ts';
import { type Rule, RuleBook } from './store-faults-rules.ts';

/** Everything but `tls` and functions within `faults` survives JSON: the same options start a child process. */
export interface MemoryS3Options extends Partial<Rules> {
  readonly buckets?: readonly string[];
  /** `digest`: only size and CRC32 of a body are kept, reads are refused. @default 'memory' */
  readonly mode?: 'memory' | 'digest';
  /** In digest mode: keys that do not begin with this keep their bytes. @default '' */
  readonly digestUnder?: string;
  /** At which bodies are read, all connections together. @default no limit */
  readonly bytesPerSecond?: number;
  /** S04: a body that rests so long is RequestTimeout. @default 20_000 */
  readonly idleTimeoutMs?: number;
  /** Account id that x-amz-expected-bucket-owner is held against. @default '000000000000' */
  readonly owner?: string;
  readonly tls?: TestCertificate;
  readonly faults?: readonly Rule[];
  /** Of the rules' probabilities. @default 1 */
  readonly seed?: number;
}

export interface MemoryS3 extends MemoryS3View {
  readonly endpoint: string;
  /** More rules, asked behind those that stand. */
  add(...rules: Rule[]): void;
  close(): Promise<void>;
}

export async function startMemoryS3(options: MemoryS3Options = {}): Promise<MemoryS3> {
  const { mode = 'memory', digestUnder = '', idleTimeoutMs = 20_000, owner = '000000000000', tls } = options;
  const { minPartBytes = MIN_PART_BYTES, kms = false, conflicts = false, forgetsCompleted = false } = options;
  const rules: Rules = { minPartBytes, kms, conflicts, forgetsCompleted };
  const buckets = new Map((options.buckets ?? []).map((name) => [name, new Bucket(name)]));
  const calls: LoggedCall[] = [];
  const view = viewOf(buckets, calls);
  const ruleBook = new RuleBook(options.faults, options.seed);
  const layer = new FaultLayer();
  const pace = pacer(options.bytesPerSecond, performance.now.bind(performance));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === STATE_PATH) return sendAnswer(response, stateAnswer(view));
    const call = readCall(request);
    const logged: LoggedCall = { ...call, bytes: 0, statuses: [] };
    calls.push(logged);
    await layer.wake(call);
    const effect = ruleBook.decide(call);
    if (isTooLarge(request)) {
      response.shouldKeepAlive = false;
      return sendAnswer(response, errorAnswer(400, 'EntityTooLarge'));
    }
    const carriesObject = call.operation === 'put' || call.operation === 'part';
    const keep = !(carriesObject && mode === 'digest' && call.key.startsWith(digestUnder));
    const check = call.operation !== 'complete' && call.operation !== 'create';
    const receive = async (limitBytes?: number) => {
      const body = await receiveBody(request, { keep, check, pace, idleTimeoutMs, limitBytes });
      logged.bytes = body.bytes;
      if (body.problem?.code === 'RequestTimeout') response.shouldKeepAlive = false;
      return body;
    };
    const apply = async (body: Awaited<ReturnType<typeof receive>>) => {
      const answer = answerOf(request, call, () => {
        if (body.problem !== undefined) throw body.problem;
        const handler = admit(request, call, { buckets, owner });
        return handler({ bucket: buckets.get(call.bucket), buckets, call, headers: request.headers, body, rules });
      });
      logged.statuses.push(answer.status);
      return answer;
    };
    if (effect === undefined) return sendAnswer(response, await apply(await receive()));
    await layer.serve(call, effect, { receive, apply }, response);
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    serve(request, response).catch(() => response.destroy());
  };
  const server =
    tls === undefined ? createServer(listener) : createTlsServer({ cert: tls.cert, key: tls.key }, listener);
  // A slow body is no fault here, and a client's pooled connection must not end under its next request.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    ...view,
    endpoint: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`,
    add: (...more) => ruleBook.add(...more),
    async close() {
      layer.end();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** No bucket may have this name. Answers what `summary()` tells, also from another process. */
export const STATE_PATH = '/-/state';

function stateAnswer(view: MemoryS3View): Answer {
  const body = Buffer.from(JSON.stringify(view.summary()));
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

/** What holds for every call, before its own checks. */
function admit(
  { headers }: IncomingMessage,
  call: Call,
  { buckets, owner }: { buckets: ReadonlyMap<string, Bucket>; owner: string },
): Handler {
  const expected = headers['x-amz-expected-bucket-owner'];
  if (call.operation !== 'create-bucket') {
    if (!buckets.has(call.bucket)) throw new S3Problem(404, 'NoSuchBucket', 'The specified bucket does not exist');
    if (expected !== undefined && expected !== owner) throw new S3Problem(403, 'AccessDenied', 'Access Denied');
  }
  if (Buffer.byteLength(call.key) > MAX_KEY_BYTES) {
    throw new S3Problem(400, 'KeyTooLongError', 'Your key is too long');
  }
  return handlers[call.operation];
}

function answerOf({ method }: IncomingMessage, call: Call, run: () => Answer): Answer {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof S3Problem)) throw error;
    if (method === 'HEAD') return { status: error.status, headers: {}, body: Buffer.alloc(0) };
    const answer = errorAnswer(error.status, error.code, `${error.message} (${call.operation})`);
    return answer;
  }
}

/** S3 answers at once and reads nothing. */
function isTooLarge({ headers }: IncomingMessage): boolean {
  return Number(headers['x-amz-decoded-content-length'] ?? headers['content-length'] ?? 0) > MAX_PART_BYTES;
}

/**
 * The short way of the two requests that every small object takes, HeadObject and PutObject: signed by the SDK's own signer
 * and sent as they are, for a quarter of what its layers cost. It takes plain answers only. Whatever else comes, or does not come, is no
 * answer: the request then goes the SDK's way, from its start, so that retries, redirects, renewed credentials, the clock
 * and what an error means stay the SDK's. After an answer that asks for less, or a connection that broke, it is closed for
 * some seconds: a bucket that is too busy sees the SDK's one rate alone.
 */
import { hash } from 'node:crypto';
import type { HeadObjectCommandInput, PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import { type Dispatcher, Pool } from 'undici';
import { encodeKey, headersOf } from './s3-short-request.ts';
import { findTarget, type Target } from './s3-target.ts';

export interface ShortWayOptions {
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxSockets: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

export interface ShortAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A larger one is written in pieces, by the SDK's way. */
const MAX_BODY_BYTES = 256 * 1024;
/** Of an answer, whose body nobody needs. */
const MAX_ANSWER_BYTES = 64 * 1024;
const CLOSED_MS = 5_000;
const NO_BYTES = new Uint8Array();
const SHA256_OF_NOTHING = hash('sha256', '');

interface Road {
  readonly target: Target;
  readonly pool: Pool;
  readonly signer: SignatureV4;
}

export class ShortWay {
  readonly #client: S3Client;
  readonly #options: ShortWayOptions;
  /** By bucket; `undefined`: there is none to that one. */
  readonly #roads = new Map<string, Promise<Road | undefined>>();
  #closedUntil = Number.NEGATIVE_INFINITY;

  constructor(client: S3Client, options: ShortWayOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** 200 or 404; `undefined`: to be sent by the SDK. Never rejects. */
  head(input: HeadObjectCommandInput): Promise<ShortAnswer | undefined> {
    return this.#ask('HEAD', input, NO_BYTES);
  }

  /** 200, or 412 where it has a condition; `undefined`: to be sent by the SDK, it may have happened. Never rejects. */
  async put(input: PutObjectCommandInput): Promise<ShortAnswer | undefined> {
    const { Body } = input;
    if (!(Body instanceof Uint8Array) || Body.length > MAX_BODY_BYTES) return undefined;
    return this.#ask('PUT', input, Body);
  }

  /** Ends the sockets; opened anew by whoever asks again. */
  async close(): Promise<void> {
    const roads = Array.from(this.#roads.values());
    this.#roads.clear();
    for (const road of roads) await (await road)?.pool.destroy();
  }

  async #ask(method: 'HEAD' | 'PUT', input: HeadObjectCommandInput | PutObjectCommandInput, body: Uint8Array) {
    const { Bucket = '', Key = '' } = input;
    if (this.#options.now() < this.#closedUntil) return undefined;
    const headers = headersOf({ ...input });
    const road = headers && (await this.#roadTo(Bucket));
    if (!road) return undefined;
    try {
      const request = { method, path: road.target.path + encodeKey(Key), body: method === 'PUT' ? body : null };
      const answer = await this.#send(road, request, headers);
      const isCondition = method === 'PUT' && (headers['if-match'] ?? headers['if-none-match']) !== undefined;
      if (isPlain(method, answer, isCondition)) return answer;
      if (answer.status >= 500 || answer.status === 429) this.#rest();
    } catch {
      this.#rest();
    }
    return undefined;
  }

  async #send(
    { target, pool, signer }: Road,
    { method, path, body }: { method: 'HEAD' | 'PUT'; path: string; body: Uint8Array | null },
    headers: Record<string, string>,
  ): Promise<ShortAnswer> {
    headers.host = target.host;
    headers['x-amz-content-sha256'] = hashOf(body, target.isTls);
    headers['user-agent'] = target.userAgent;
    const request = { method, protocol: target.isTls ? 'https:' : 'http:', hostname: target.host, path, headers };
    const signingDate = new Date(this.#options.now() + this.#client.config.systemClockOffset);
    const signed = await signer.sign(request, { signingDate });
    // undici would close the connection behind every HEAD.
    const options = { method, path, headers: signed.headers, body, reset: false };
    return new Promise((resolve, reject) => pool.dispatch(options, receive(resolve, reject)));
  }

  #signerOf({ region }: Target): SignatureV4 {
    const { credentials, sha256 } = this.#client.config;
    // S3 takes the path as it stands (encoded once), and no checksum but those that are there.
    return new SignatureV4({ service: 's3', region, credentials, sha256, uriEscapePath: false, applyChecksum: false });
  }

  #rest(): void {
    const { now, random } = this.#options;
    this.#closedUntil = now() + CLOSED_MS * (1 + random());
  }

  #roadTo(bucket: string): Promise<Road | undefined> {
    let road = this.#roads.get(bucket);
    if (!road) {
      road = this.#build(bucket);
      this.#roads.set(bucket, road);
    }
    return road;
  }

  async #build(bucket: string): Promise<Road | undefined> {
    try {
      const target = await findTarget(this.#client, bucket);
      if (!target) return undefined;
      const { connectionTimeoutMs, requestTimeoutMs, maxSockets } = this.#options;
      const pool = new Pool(target.origin, {
        connections: maxSockets,
        pipelining: 1,
        allowH2: false,
        // Or the environment would choose the parser (UNDICI_USE_MILO).
        useMilo: false,
        connect: { timeout: connectionTimeoutMs },
        headersTimeout: requestTimeoutMs,
        bodyTimeout: requestTimeoutMs,
      });
      return { target, pool, signer: this.#signerOf(target) };
    } catch {
      // The SDK's way says why; there may be one later.
      this.#roads.delete(bucket);
      this.#rest();
      return undefined;
    }
  }
}

function isPlain(method: 'HEAD' | 'PUT', { status }: ShortAnswer, isCondition: boolean): boolean {
  if (status === 200) return true;
  return method === 'HEAD' ? status === 404 : status === 412 && isCondition;
}

function hashOf(body: Uint8Array | null, isTls: boolean): string {
  if (body === null) return SHA256_OF_NOTHING;
  return isTls ? 'UNSIGNED-PAYLOAD' : hash('sha256', body);
}

function receive(resolve: (answer: ShortAnswer) => void, reject: (error: unknown) => void): Dispatcher.DispatchHandler {
  let answer: ShortAnswer | undefined;
  let bytes = 0;
  return {
    onRequestStart: () => undefined,
    onResponseStart: (_controller, status, given) => {
      const headers: Record<string, string> = {};
      for (const name in given) headers[name] = String(given[name]);
      answer = { status, headers };
    },
    onResponseData: (controller, chunk) => {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) controller.abort(new Error('an answer without an end'));
    },
    onResponseEnd: () => (answer ? resolve(answer) : reject(new Error('no answer'))),
    onResponseError: (_controller, error) => reject(error),
  };
}

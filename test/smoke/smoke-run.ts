import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { outcome } from '../../lib/contract/outcome.ts';
import { parseCrc32Base64 } from '../../lib/store/crc32.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { type Check, check, checkReport, type Kept } from './checks.ts';
import { encodeKey, presignGet } from './presign.ts';
import { manifestOf, sources } from './smoke-items.ts';
import type { Deployed } from './smoke-stack.ts';

const RUN = 'smoke';
const DATA = `data/${RUN}/`;
const SOURCES = 'smoke-sources/';
const WITHIN_MS = 20 * 60_000;

/** One run on the deployed stack, from the sources to its report. Clients are the SDK's own, with its own settings. */
export class SmokeRun {
  readonly s3: S3Client;
  readonly #steps: SFNClient;
  readonly #deployed: Deployed;
  readonly #signal: AbortSignal;
  /** Another S3 than AWS, in whose URLs buckets stand in the path. */
  readonly #endpoint = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;

  constructor(deployed: Deployed, signal: AbortSignal) {
    const { region } = deployed;
    this.#deployed = deployed;
    this.#signal = signal;
    this.s3 = new S3Client({ region, forcePathStyle: this.#endpoint !== undefined });
    this.#steps = new SFNClient({ region });
  }

  async uploadSources(): Promise<void> {
    for (const [name, { body, contentType, contentEncoding }] of Object.entries(sources)) {
      this.#signal.throwIfAborted();
      const described = { ContentType: contentType, ContentEncoding: contentEncoding };
      await this.#put(`${SOURCES}${name}`, body, described);
    }
  }

  /** Uploads the list to where nobody but our roles reads it, and starts the machine with its place alone. */
  async start(): Promise<string> {
    const { bucket, region, stateMachineArn } = this.#deployed;
    const credentials = await this.s3.config.credentials();
    const signed = { region, credentials, at: new Date(), expiresSeconds: 3_600 };
    const list = manifestOf((name) => presignGet({ ...signed, url: this.#urlOf(`${SOURCES}${name}`) }));
    await this.#put(`runs/${RUN}/manifest.jsonl`, Buffer.from(list), { ContentType: 'application/x-ndjson' });
    const input = {
      run: RUN,
      manifest: { uri: `s3://${bucket}/runs/${RUN}/manifest.jsonl` },
      to: `s3://${bucket}/${DATA}`,
    };
    const { executionArn = '' } = await this.#steps.send(
      new StartExecutionCommand({ stateMachineArn, name: `${RUN}-1`, input: JSON.stringify(input) }),
    );
    return executionArn;
  }

  /** Resolves when the execution has succeeded; stops it where that takes too long or the user has enough. */
  async end(executionArn: string): Promise<void> {
    try {
      for (const startedAt = Date.now(); Date.now() - startedAt < WITHIN_MS; ) {
        await sleep(1_000, undefined, { signal: this.#signal });
        const { status, error, cause } = await this.#steps.send(new DescribeExecutionCommand({ executionArn }));
        if (status === 'SUCCEEDED') return;
        if (status !== 'RUNNING') throw new Error(`the execution has ${status}: ${error} ${cause}`);
      }
      throw new Error(`the execution did not end within ${WITHIN_MS / 60_000} minutes`);
    } catch (error) {
      await this.#steps.send(new StopExecutionCommand({ executionArn })).catch(() => undefined);
      throw error;
    }
  }

  async checks(executionArn: string): Promise<Check[]> {
    const report = (await this.#get(`runs/${RUN}/report.jsonl`)).body.toString('utf8');
    const outcomes = report
      .split('\n')
      .filter(Boolean)
      .map((line) => outcome.parse(JSON.parse(line)));
    const { events } = await this.#steps.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1_000 }));
    const isSecret = !`${report}${JSON.stringify(events)}`.includes('X-Amz-Signature');
    return [
      ...checkReport(outcomes, await this.#objects()),
      check(
        'signatures of URLs',
        isSecret ? 'neither in report nor history' : 'shown',
        isSecret ? [] : ['wanted none'],
      ),
      await this.#checkUploads(),
    ];
  }

  close(): void {
    this.s3.destroy();
    this.#steps.destroy();
  }

  async #objects(): Promise<Map<string, Kept>> {
    const kept = new Map<string, Kept>();
    const pages = paginateListObjectsV2({ client: this.s3 }, { Bucket: this.#deployed.bucket, Prefix: DATA });
    for await (const { Contents = [] } of pages) {
      for (const { Key = '' } of Contents) kept.set(Key.slice(DATA.length), await this.#get(Key));
    }
    return kept;
  }

  async #checkUploads(): Promise<Check> {
    const store = openS3Store({ bucket: this.#deployed.bucket, prefix: '', client: this.s3 });
    const open: string[] = [];
    for await (const { key } of store.listUploads('')) open.push(key);
    return check('open uploads', String(open.length), open);
  }

  async #get(key: string): Promise<Kept> {
    const { bucket } = this.#deployed;
    const command = new GetObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' });
    const { Body, ContentEncoding, ContentType, ETag = '', Metadata = {}, ChecksumCRC32 } = await this.s3.send(command);
    const body = Buffer.from((await Body?.transformToByteArray()) ?? []);
    return {
      key,
      bytes: body.length,
      etag: ETag,
      crc32: parseCrc32Base64(ChecksumCRC32 ?? ''),
      contentType: ContentType,
      contentEncoding: ContentEncoding,
      metadata: Metadata,
      body,
    };
  }

  async #put(Key: string, Body: Buffer, described: object): Promise<void> {
    await this.s3.send(new PutObjectCommand({ Bucket: this.#deployed.bucket, Key, Body, ...described }));
  }

  #urlOf(key: string): string {
    const { bucket, region } = this.#deployed;
    if (this.#endpoint !== undefined) return `${this.#endpoint.replace(/\/$/, '')}/${bucket}/${encodeKey(key)}`;
    const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
    return `https://${bucket}.s3.${region}.${suffix}/${encodeKey(key)}`;
  }
}

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { Outcome } from '../../lib/contract/outcome.ts';
import { type Summary, summary } from '../../lib/contract/summary.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import type { DeployedStack } from '../support/localstack-stack.ts';

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const WITHIN_MS = 420_000;

/** Runs on the deployed stack, and what they leave in its bucket. */
export class Runs {
  readonly stack: DeployedStack;
  readonly functions: SFNClient;
  readonly s3: S3Client;

  constructor(stack: DeployedStack) {
    this.stack = stack;
    const { endpoint } = stack;
    this.functions = new SFNClient({ endpoint, region: 'us-east-1', credentials });
    this.s3 = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true });
  }

  /** A store that is closed with its client, at the end of the file. */
  store(prefix: string) {
    return openS3Store({ bucket: this.stack.bucket, prefix, client: this.s3 });
  }

  newRun(): string {
    return `run-${randomUUID().slice(0, 8)}`;
  }

  async start(run: string, input: object): Promise<string> {
    const { executionArn = '' } = await this.functions.send(
      new StartExecutionCommand({
        stateMachineArn: this.stack.stateMachineArn,
        name: `${run}-${randomUUID().slice(0, 8)}`,
        input: JSON.stringify({ run, to: `s3://${this.stack.bucket}/data/${run}`, ...input }),
      }),
    );
    return executionArn;
  }

  /** Its output, when it has ended well. */
  async ended(executionArn: string): Promise<Summary> {
    for (const startedAt = Date.now(); Date.now() - startedAt < WITHIN_MS; await sleep(500)) {
      const found = await this.functions.send(new DescribeExecutionCommand({ executionArn }));
      if (found.status === 'SUCCEEDED') return summary.parse(JSON.parse(found.output ?? 'null'));
      if (found.status !== 'RUNNING') throw new Error(`${found.status}: ${found.error} ${found.cause}`);
    }
    throw new Error(`${executionArn} did not end`);
  }

  /** Resolves when it ended, however. */
  async stopped(executionArn: string): Promise<void> {
    for (const startedAt = Date.now(); Date.now() - startedAt < WITHIN_MS; await sleep(500)) {
      const { status } = await this.functions.send(new DescribeExecutionCommand({ executionArn }));
      if (status !== 'RUNNING') return;
    }
    throw new Error(`${executionArn} did not stop`);
  }

  async run(input: object): Promise<Ended> {
    const run = this.newRun();
    const result = await this.ended(await this.start(run, input));
    return { run, summary: result, outcomes: await this.outcomes(run) };
  }

  async outcomes(run: string): Promise<Outcome[]> {
    const text = await this.text('', `runs/${run}/report.jsonl`);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  async text(prefix: string, key: string): Promise<string> {
    return (await this.bytes(prefix, key)).toString('utf8');
  }

  async bytes(prefix: string, key: string): Promise<Buffer> {
    const found = await this.store(prefix).get(key);
    if (!found) throw new Error(`there is no ${prefix}${key}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of found.body) chunks.push(Uint8Array.from(chunk));
    return Buffer.concat(chunks);
  }

  async openUploads(run: string): Promise<string[]> {
    const open: string[] = [];
    for await (const { key } of this.store(`data/${run}/`).listUploads('')) open.push(key);
    return open;
  }

  close(): void {
    this.functions.destroy();
    this.s3.destroy();
  }
}

export interface Ended {
  readonly run: string;
  readonly summary: Summary;
  readonly outcomes: Outcome[];
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that the functions can reach; each address is a host of its own. */
export async function listen(handler: Handler, address = '127.0.0.1'): Promise<{ server: Server; url: string }> {
  const server = createServer(handler);
  server.listen(0, address);
  await new Promise((resolve) => server.once('listening', resolve));
  return { server, url: `http://${address}:${(server.address() as AddressInfo).port}` };
}

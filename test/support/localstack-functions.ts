import { randomUUID } from 'node:crypto';
import { CreateFunctionCommand, InvokeCommand, LambdaClient, waitUntilFunctionActiveV2 } from '@aws-sdk/client-lambda';
import { zip } from './localstack-zip.ts';

/** Account, Region and credentials that LocalStack takes for granted. */
export const ACCESS = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
export const ROLE = 'arn:aws:iam::000000000000:role/test';

export interface FunctionSettings {
  readonly handler?: string;
  readonly timeoutSeconds?: number;
  readonly memoryMiB?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Invoked {
  /** The answer, or the error object where `failed` is set. */
  readonly payload: unknown;
  readonly failed: boolean;
  /** The last 4 KB of the log. */
  readonly log: string;
}

export interface TestFunction {
  readonly name: string;
  readonly arn: string;
  invoke(event?: unknown): Promise<Invoked>;
}

/** Makes functions from the text of an ES module, and invokes them. */
export class Functions {
  readonly client: LambdaClient;

  constructor(endpoint: string) {
    // Nothing is tried again, so that a test sees each answer; and more invocations at once than the SDK's 50 sockets.
    this.client = new LambdaClient({
      ...ACCESS,
      endpoint,
      maxAttempts: 1,
      requestHandler: { httpAgent: { maxSockets: 500 } },
    });
  }

  async create(source: string, settings: FunctionSettings = {}): Promise<TestFunction> {
    const name = `test-${randomUUID()}`;
    const { handler = 'index.handler', timeoutSeconds = 30, memoryMiB = 256, environment = {} } = settings;
    const made = await this.client.send(
      new CreateFunctionCommand({
        FunctionName: name,
        Runtime: 'nodejs22.x',
        Handler: handler,
        Role: ROLE,
        Timeout: timeoutSeconds,
        MemorySize: memoryMiB,
        Environment: { Variables: { ...environment } },
        Code: { ZipFile: zip({ 'index.mjs': source }) },
      }),
    );
    await waitUntilFunctionActiveV2(
      { client: this.client, maxWaitTime: 60, minDelay: 0.1, maxDelay: 1 },
      { FunctionName: name },
    );
    return { name, arn: made.FunctionArn ?? '', invoke: (event = {}) => this.invoke(name, event) };
  }

  private async invoke(name: string, event: unknown): Promise<Invoked> {
    const answer = await this.client.send(
      new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event), LogType: 'Tail' }),
    );
    return {
      payload: JSON.parse(answer.Payload?.transformToString() ?? 'null'),
      failed: answer.FunctionError !== undefined,
      log: Buffer.from(answer.LogResult ?? '', 'base64').toString(),
    };
  }
}

/** The messages that CloudWatch Logs keeps in a group, oldest first. Its client is not a dependency of ours. */
export async function readLogGroup(endpoint: string, logGroupName: string): Promise<readonly string[]> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Logs_20140328.FilterLogEvents',
      authorization:
        'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify({ logGroupName }),
  });
  const answer: unknown = await response.json();
  if (typeof answer !== 'object' || answer === null || !('events' in answer) || !Array.isArray(answer.events))
    return [];
  return answer.events.map(({ message }: { message: unknown }) => String(message).trimEnd());
}

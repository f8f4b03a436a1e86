import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * An AWS endpoint that answers what a test says: for what an emulator cannot be brought to say (throttles, denials, a
 * janitor that waits), and where one would be too much. It checks no signature.
 */
export interface AwsAnswers {
  readonly endpoint: string;
  /** `StartExecution {…}`, in the order of their coming. */
  readonly asked: readonly { readonly call: string; readonly body: Record<string, unknown> }[];
  close(): Promise<void>;
}

export interface AwsAnswer {
  /** 200 when not given. */
  readonly status?: number;
  /** Sent as JSON unless it is text. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** As the protocols of Step Functions and Lambda spell an error. */
export function awsError(name: string, status = 400): AwsAnswer {
  return { status, body: { __type: name, message: 'secret words' }, headers: { 'x-amzn-errortype': name } };
}

/** `answer` is asked with the name of the call: `StartExecution`, `DescribeStacks`, `Invoke`. */
export async function startAwsAnswers(
  answer: (call: string, body: Record<string, unknown>) => AwsAnswer,
): Promise<AwsAnswers> {
  const asked: { call: string; body: Record<string, unknown> }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += String(chunk);
    });
    request.on('end', () => {
      const { call, body } = readCall(request.url ?? '', request.headers['x-amz-target'], text);
      asked.push({ call, body });
      const given = answer(call, body);
      response.writeHead(given.status ?? 200, { connection: 'close', ...given.headers });
      response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function readCall(path: string, target: unknown, text: string): { call: string; body: Record<string, unknown> } {
  if (typeof target === 'string') return { call: target.split('.').at(-1) ?? '', body: JSON.parse(text) };
  // Lambda puts the function into the path, CloudFormation everything into a form.
  const invoked = /^\/2015-03-31\/functions\/([^/]+)\/invocations/.exec(path)?.[1];
  if (invoked !== undefined) return { call: 'Invoke', body: { function: invoked, ...JSON.parse(text) } };
  const form = Object.fromEntries(new URLSearchParams(text));
  return { call: form.Action ?? path, body: form };
}

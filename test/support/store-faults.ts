import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';

/** What S3 calls the request. */
export type Operation = 'put' | 'create' | 'part' | 'complete' | 'abort' | 'list-parts' | 'head' | 'get';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** No code is no body. Before S3 sees the request, or after it has carried it out. */
export type Fault =
  | { readonly before: 'reset' | 'hang' }
  | { readonly before: { readonly status: number; readonly code: string } }
  | { readonly after: 'reset' }
  | { readonly after: (answer: Answer) => Answer };

/**
 * A proxy on a real socket in front of a real S3, which spoils the answers it is told to spoil. Signatures are not
 * checked behind it.
 */
export async function startFaultyS3(endpoint: string) {
  const faults = new Map<Operation, Fault[]>();
  const seen: Operation[] = [];
  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy());
  });

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = nameOperation(incoming);
    seen.push(operation);
    const body = await collect(incoming);
    const fault = faults.get(operation)?.shift();
    if (fault !== undefined && 'before' in fault) {
      if (fault.before === 'hang') return;
      if (fault.before === 'reset') return reset(response);
      const { status, code } = fault.before;
      const xml = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message></Error>`;
      return send(response, { status, headers: {}, body: Buffer.from(code === '' ? '' : xml) });
    }
    const answer = await forward(endpoint, incoming, body);
    if (fault === undefined) return send(response, answer);
    if (fault.after === 'reset') return reset(response);
    send(response, fault.after(answer));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    /** Operations in the order in which they came, retries included. */
    seen,
    /** The next requests of this operation get these faults, one each. */
    spoil(operation: Operation, ...next: Fault[]): void {
      faults.set(operation, [...(faults.get(operation) ?? []), ...next]);
    },
    async stop(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type FaultyS3 = Awaited<ReturnType<typeof startFaultyS3>>;

function nameOperation({ method, url = '' }: IncomingMessage): Operation {
  const query = new URL(url, 'http://s3').searchParams;
  if (query.has('uploads')) return 'create';
  if (query.has('partNumber')) return 'part';
  const onUpload = { POST: 'complete', DELETE: 'abort', GET: 'list-parts' } as const;
  const onObject = { PUT: 'put', HEAD: 'head', GET: 'get' } as const;
  const names: Record<string, Operation> = query.has('uploadId') ? onUpload : onObject;
  return names[method ?? ''] ?? 'get';
}

async function forward(endpoint: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const outgoing = request(`${endpoint}${incoming.url}`, { method: incoming.method, headers: incoming.headers });
  outgoing.end(body);
  const [answer]: IncomingMessage[] = await once(outgoing, 'response');
  if (answer === undefined) throw new Error('no answer');
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await collect(answer) };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const { 'transfer-encoding': _, ...rest } = headers;
  const length = rest['content-length'] !== undefined && body.length === 0 ? rest['content-length'] : body.length;
  response.writeHead(status, { ...rest, 'content-length': length });
  response.end(body);
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

async function collect(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}

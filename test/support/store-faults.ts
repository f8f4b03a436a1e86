/**
 * A proxy on a real socket in front of a real S3, which spoils the calls it is told to spoil; all others stream through.
 * Signatures are not checked behind it. A spoiled call is held in memory whole.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type Answer, type Operation, readCall } from './store-faults-call.ts';
import { type Carrier, FaultLayer } from './store-faults-layer.ts';
import { DROP, type Effect, HANG, LOSE_REPLY, type Rule, RuleBook } from './store-faults-rules.ts';

/** No code is no body. Before S3 sees the request, or after it has carried it out. */
export type Fault =
  | { readonly before: 'reset' | 'hang' }
  | { readonly before: { readonly status: number; readonly code: string } }
  | { readonly after: 'reset' }
  | { readonly after: (answer: Answer) => Answer };

export interface FaultyS3Options {
  readonly rules?: readonly Rule[];
  /** Of the rules' probabilities. @default 1 */
  readonly seed?: number;
}

export async function startFaultyS3(endpoint: string, options: FaultyS3Options = {}) {
  const faults = new Map<Operation, Fault[]>();
  const seen: Operation[] = [];
  const rules = new RuleBook(options.rules, options.seed);
  const layer = new FaultLayer();
  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy());
  });
  server.requestTimeout = 0;

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = readCall(incoming);
    seen.push(call.operation);
    await layer.wake(call);
    const fault = faults.get(call.operation)?.shift();
    const effect = fault === undefined ? rules.decide(call) : effectOf(fault);
    if (effect === undefined) return stream(endpoint, incoming, response);
    const carrier: Carrier<Buffer> = {
      receive: (limitBytes) => collect(incoming, limitBytes),
      apply: (body) => forward(endpoint, incoming, body),
    };
    await layer.serve(call, effect, carrier, response);
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
    /** More rules, asked behind those that stand. */
    add(...more: Rule[]): void {
      rules.add(...more);
    },
    async stop(): Promise<void> {
      layer.end();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type FaultyS3 = Awaited<ReturnType<typeof startFaultyS3>>;

function effectOf(fault: Fault): Effect {
  if ('after' in fault) return fault.after === 'reset' ? LOSE_REPLY : { reply: fault.after };
  if (fault.before === 'reset') return DROP;
  return fault.before === 'hang' ? HANG : { apply: 'never', reply: fault.before };
}

async function stream(endpoint: string, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const outgoing = request(`${endpoint}${incoming.url}`, { method: incoming.method, headers: incoming.headers });
  const answered = once(outgoing, 'response');
  // Awaited below; a request that fails rejects it before that.
  answered.catch(() => undefined);
  try {
    await pipeline(incoming, outgoing);
    const [answer]: IncomingMessage[] = await answered;
    if (answer === undefined) throw new Error('no answer');
    response.writeHead(answer.statusCode ?? 0, answer.headers);
    await pipeline(answer, response);
  } catch (error) {
    outgoing.destroy();
    throw error;
  }
}

async function forward(endpoint: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const outgoing = request(`${endpoint}${incoming.url}`, { method: incoming.method, headers: incoming.headers });
  outgoing.end(body);
  const [answer]: IncomingMessage[] = await once(outgoing, 'response');
  if (answer === undefined) throw new Error('no answer');
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await collect(answer) };
}

async function collect(message: IncomingMessage, limitBytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  if (limitBytes === 0) return Buffer.alloc(0);
  for await (const chunk of message.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= limitBytes) break;
  }
  return Buffer.concat(chunks);
}

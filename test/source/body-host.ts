import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { BackendName, SourceClient } from '../../lib/source/source.ts';
import { type OpenBody, StreamedBody } from '../../lib/source/streamed-body.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { makeCertificate } from '../support/origin-certificate.ts';
import { asked, readAll, withBody } from './fixture.ts';

type Asked = IncomingMessage | Http2ServerRequest;
/** Node's answers over HTTP/2 have the same methods. */
export type Answering = ServerResponse;

const certificate = makeCertificate();
/** For a client that is to reach it over HTTP/2. */
export const secure = { ca: certificate.cert };

interface BodyHost {
  url(path?: string): string;
  readonly requests: readonly Asked[];
  readonly connections: { readonly total: number; readonly open: number };
  readonly sockets: ReadonlySet<Socket>;
}

/**
 * A host that does with the body of a request what it is told, over Node's servers: the hostile origin reads none. Closed
 * with the test.
 */
export async function startBodyHost(
  backend: BackendName,
  answer: (request: Asked, response: Answering) => void,
): Promise<BodyHost> {
  const requests: Asked[] = [];
  const sockets = new Set<Socket>();
  let total = 0;
  const listen = (request: Asked, response: ServerResponse | Http2ServerResponse) => {
    requests.push(request);
    request.on('error', () => {});
    answer(request, response as ServerResponse);
  };
  const isHttp2 = backend === 'h2';
  const server = isHttp2 ? createSecureServer(certificate, listen) : createServer(listen);
  server.on(isHttp2 ? 'secureConnection' : 'connection', (socket: Socket) => {
    total += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: (path = '/') => `${isHttp2 ? 'https' : 'http'}://127.0.0.1:${port}${path}`,
    requests,
    sockets,
    connections: {
      get total() {
        return total;
      },
      get open() {
        return sockets.size;
      },
    },
  };
}

/** The whole body, or undefined where it never came to its end. */
export async function bodyOf(request: Asked): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  return await new Promise((resolve) => {
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('aborted', () => resolve(undefined));
    request.on('close', () => resolve(undefined));
  });
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
export const KiB = 1024;
export const MiB = 1024 * KiB;

/** A stream that says what became of it. */
export function watched(chunks: () => AsyncIterable<Uint8Array | string>) {
  const told = { opened: 0, taken: 0, closed: 0 };
  async function* stream() {
    told.opened += 1;
    try {
      for await (const chunk of chunks()) {
        told.taken += chunk.length;
        yield chunk;
      }
    } finally {
      told.closed += 1;
    }
  }
  return { told, stream };
}

export async function* endless() {
  for (;;) {
    await pause(1);
    yield bytesOf('endless', 64 * KiB);
  }
}

export async function* slowly(chunks: readonly string[], ms: number) {
  for (const chunk of chunks) {
    await pause(ms);
    yield chunk;
  }
}

/** Fails after 5 s. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries += 1) {
    if (tries === 1_000) throw new Error('it did not come so');
    await pause(5);
  }
}

/** Sends it, and reads the whole answer. */
export async function post(
  client: SourceClient,
  url: string,
  body: AsyncIterable<Uint8Array | string> | OpenBody | StreamedBody,
  signal?: AbortSignal,
) {
  const streamed = body instanceof StreamedBody ? body : new StreamedBody(body, undefined);
  const opened = await client.open({ ...asked(url, {}, signal), method: 'POST', body: streamed });
  const { bytes, error } = await readAll(withBody(opened));
  if (error) throw error;
  return String(bytes);
}

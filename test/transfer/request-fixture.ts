import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Rig } from '../support/run-context.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
type Answer = (asked: Asked) => { status?: number; headers?: Record<string, string | string[]>; body?: string };

/** A server that reads bodies, too. */
export async function serve(answer: Answer) {
  const requests: Asked[] = [];
  const reply = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    const { method = '', url = '', headers } = request;
    const asked = { method, url, headers, body };
    requests.push(asked);
    const { status = 200, headers: fields = {}, body: sent = 'ok' } = answer(asked);
    response.writeHead(status, fields).end(sent);
  };
  const server = createServer((request, response) => void reply(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { requests, url: (path: string) => `http://127.0.0.1:${port}${path}` };
}

/** Tells whether the client showed a certificate, and of what kind of name. */
export async function serveTls(
  options: TlsOptions,
  isHttp2: boolean,
  onSubject: (subject: string | undefined) => void,
) {
  const answer = async (socket: Socket, body: AsyncIterable<Uint8Array>, end: (body: string) => void) => {
    const { subject } = (socket as TLSSocket).getPeerCertificate();
    onSubject(subject?.CN === undefined ? undefined : String(subject.CN));
    end((await text(body)) || 'ok');
  };
  const sockets = new Set<Socket>();
  const server = isHttp2
    ? createHttp2Server(options)
    : createTlsServer(
        options,
        (request, response) => void answer(request.socket, request, (body) => response.end(body)),
      );
  server.on(
    'stream',
    (stream: ServerHttp2Stream) =>
      void answer(stream.session?.socket as Socket, stream, (body) => {
        stream.respond({ ':status': 200 });
        stream.end(body);
      }),
  );
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return { url: (path: string) => `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}${path}` };
}

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return String(Buffer.concat(chunks));
}

export async function ask(rig: Rig, url: string, fields: object = {}, batch: object = {}) {
  const [outcome] = await rig.run({ run: 'r', items: [{ url, key: 'f', ...fields }], to: rig.root, options: batch });
  return outcome;
}

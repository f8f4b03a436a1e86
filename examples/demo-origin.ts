import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type DemoFile, demoFiles } from './demo-files.ts';

/**
 * The web server of the demo, on loopback. It answers ranges, knows its ETags, redirects once, has one file without a
 * length and one that it cuts in the middle the first time it is asked for.
 */
export const DEMO_PORT = 48_620;

/** Rejects with EADDRINUSE when something else has the port. */
export async function startDemoOrigin(): Promise<Server> {
  const alreadyCut = new Set<string>();
  const server = createServer((request, response) => {
    // A client that leaves early is no fault of the server.
    answer(request, response, alreadyCut).catch(() => response.destroy());
  });
  server.listen(DEMO_PORT, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, alreadyCut: Set<string>): Promise<void> {
  const path = request.url ?? '/';
  if (path === '/latest/stations.csv') {
    response.writeHead(302, { location: '/stations.csv' }).end();
    return;
  }
  const file = demoFiles[path];
  if (!file) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('There is no such file.\n');
    return;
  }
  if (file.etag !== undefined && request.headers['if-none-match'] === file.etag) {
    response.writeHead(304, { etag: file.etag }).end();
    return;
  }
  const isCut = path === '/shaky.bin' && !alreadyCut.has(path);
  alreadyCut.add(path);
  await send(response, file, { range: rangeOf(request, file), isCut, isChunked: path === '/stream.bin' });
}

interface Delivery {
  readonly range: { readonly start: number; readonly end: number } | undefined;
  readonly isCut: boolean;
  readonly isChunked: boolean;
}

async function send(response: ServerResponse, file: DemoFile, { range, isCut, isChunked }: Delivery): Promise<void> {
  const { start, end } = range ?? { start: 0, end: file.bytes };
  response.writeHead(range ? 206 : 200, {
    'content-type': file.contentType,
    ...(file.etag !== undefined && { etag: file.etag, 'accept-ranges': 'bytes' }),
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${file.bytes}` }),
    ...(!isChunked && { 'content-length': end - start }),
  });
  const until = isCut ? start + Math.floor((end - start) / 2) : end;
  await pipeline(Readable.from(file.read(start, until)), response, { end: !isCut });
  if (isCut) response.destroy();
}

/** RFC 9110 14.1.2, one range with a beginning; If-Range (13.1.5) must be the strong ETag. */
function rangeOf({ headers }: IncomingMessage, file: DemoFile): Delivery['range'] {
  const match = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '');
  if (!match || file.etag === undefined) return undefined;
  if (headers['if-range'] !== undefined && headers['if-range'] !== file.etag) return undefined;
  const start = Number(match[1]);
  const end = Math.min(file.bytes, match[2] ? Number(match[2]) + 1 : file.bytes);
  return start < end ? { start, end } : undefined;
}

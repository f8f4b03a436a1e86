/**
 * An origin in a process of its own: `/<bytes>/<file>` is a file of that size (see `memory-content.ts`), with a strong
 * ETag, Range and If-Range. Options as JSON in the first argument; `{"port"}` on stdout; ends with its stdin. `/-/state`
 * tells how much was asked for.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { contentOf } from './memory-content.ts';
import { pacer } from './memory-s3-pace.ts';

export interface MemoryOriginOptions {
  /** Of all answers together. */
  readonly bytesPerSecond?: number;
}

export interface MemoryOriginState {
  readonly requests: number;
  readonly bytes: number;
  readonly connections: number;
  readonly maxConnections: number;
}

const options: MemoryOriginOptions = JSON.parse(process.argv[2] ?? '{}');
const pace = pacer(options.bytesPerSecond, performance.now.bind(performance));
const state = { requests: 0, bytes: 0, connections: 0, maxConnections: 0 };

async function send(response: ServerResponse, file: number, from: number, bytes: number): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  for (const piece of contentOf(file, from, bytes)) {
    if (response.destroyed) return;
    const waitMs = pace(piece.length);
    if (waitMs >= 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    state.bytes += piece.length;
    if (response.write(piece)) continue;
    await once(response, 'drain', { signal: gone.signal }).catch(() => undefined);
  }
  response.end();
}

const server = createServer((request, response) => {
  if (request.url === '/-/state') return response.end(JSON.stringify(state));
  const [, total = 0, file = 0] = (request.url ?? '').split('/').map(Number);
  const etag = `"${total}-${file}"`;
  const { range, 'if-range': ifRange = etag } = request.headers;
  const wanted = ifRange === etag ? /^bytes=(\d+)-(\d*)$/.exec(range ?? '') : null;
  const from = Number(wanted?.[1] ?? 0);
  const end = Math.min(total, wanted?.[2] ? Number(wanted[2]) + 1 : total);
  state.requests += 1;
  response.writeHead(wanted ? 206 : 200, {
    ETag: etag,
    'Accept-Ranges': 'bytes',
    'Content-Length': end - from,
    ...(wanted && { 'Content-Range': `bytes ${from}-${end - 1}/${total}` }),
  });
  void send(response, file, from, end - from);
});
server.on('connection', (socket) => {
  state.connections += 1;
  state.maxConnections = Math.max(state.maxConnections, state.connections);
  socket.once('close', () => {
    state.connections -= 1;
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : undefined }));
});
process.stdin.resume().once('close', () => process.exit());

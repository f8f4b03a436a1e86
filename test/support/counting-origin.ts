import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A host that counts: how many connections stand open at once, and when which request came. */
export interface CountingOrigin {
  /** As a URL names it, with its port. */
  readonly host: string;
  url(path: string): string;
  /** Most connections that were open at once since the last `reset`, counted when they ask. */
  readonly mostAtOnce: number;
  readonly requests: readonly { readonly path: string; readonly atMs: number }[];
  reset(): void;
  close(): Promise<void>;
}

export async function startCountingOrigin(handler: Handler, address = '127.0.0.1'): Promise<CountingOrigin> {
  const open = new Set<Socket>();
  const requests: { path: string; atMs: number }[] = [];
  let mostAtOnce = 0;
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    // Not when it is accepted: then the end of the one before may still be on its way to us.
    open.add(request.socket);
    mostAtOnce = Math.max(mostAtOnce, open.size);
    requests.push({ path: request.url ?? '', atMs: performance.now() });
    handler(request, response);
  });
  server.on('connection', (socket: Socket) => {
    const gone = () => open.delete(socket);
    socket.once('end', gone).once('close', gone).on('error', gone);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const host = `${address}:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: (path) => `http://${host}${path}`,
    get mostAtOnce() {
      return mostAtOnce;
    },
    requests,
    reset: () => {
      mostAtOnce = open.size;
      requests.length = 0;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

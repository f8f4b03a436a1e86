import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';

/**
 * A server that answers nobody until it is opened: functions that wait for it are at work at the same time, and a test
 * knows it without a clock.
 */
export interface Barrier {
  readonly url: string;
  /** Resolves when so many wait. */
  waiting(count: number): Promise<void>;
  /** Answers all, also those who come later. */
  open(): void;
  close(): Promise<void>;
}

export async function startBarrier(): Promise<Barrier> {
  const held: ServerResponse[] = [];
  let isOpen = false;
  const server = createServer((_request, response) => {
    if (isOpen) response.end();
    else held.push(response);
    server.emit('arrival');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the barrier has no port');
  const open = () => {
    isOpen = true;
    for (const response of held.splice(0)) response.end();
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    waiting: async (count) => {
      while (held.length < count) await once(server, 'arrival');
    },
    open,
    close: async () => {
      open();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

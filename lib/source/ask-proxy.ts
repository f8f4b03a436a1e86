import type { Socket } from 'node:net';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { readConnectAnswer, refusalOf } from './connect-answer.ts';

/** Between whom a tunnel is to be. */
export interface TunnelEnds {
  readonly host: string;
  readonly proxy: URL;
}

/**
 * Asks for a tunnel on a connection to a proxy; resolves when it stands, with what has come through it already left on
 * the socket. How long that may take is the caller's matter, who destroys the socket.
 * @throws SkyhaulError ProxyRefused, ProxyFailed
 */
export async function askProxy(socket: Socket, request: string, ends: TunnelEnds): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let received: Buffer = Buffer.alloc(0);
  const read = () => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      received = Buffer.concat([received, chunk]);
    }
    const answer = readConnectAnswer(received);
    if (answer.kind === 'incomplete') return;
    socket.off('readable', read);
    if (answer.kind === 'broken') return reject(failed(ends, `answered ${answer.why}`));
    if (answer.rest.length > 0) socket.unshift(answer.rest);
    resolve(answer.status);
  };
  const end = () => reject(cutShort(ends));
  socket.on('readable', read).once('end', end).once('error', end).once('close', end);
  try {
    socket.write(request);
    const refused = refusalOf(await promise, ends.host, ends.proxy);
    if (refused !== undefined) throw refused;
  } finally {
    socket.off('readable', read).off('end', end).off('error', end).off('close', end);
  }
}

export function cutShort(ends: TunnelEnds): SkyhaulError {
  return failed(ends, `ended the connection to ${ends.host}`);
}

function failed({ host, proxy }: TunnelEnds, what: string): SkyhaulError {
  return new SkyhaulError('ProxyFailed', `the proxy ${proxy.host} ${what}`, { host });
}

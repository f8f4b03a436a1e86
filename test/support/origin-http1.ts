import type { Socket } from 'node:net';
import type { RecordedRequest, Serve } from './origin.ts';
import { play } from './origin-play.ts';
import { closesBehind, headOf, type Script, wireOf } from './origin-script.ts';

/** HTTP/1.1 on a connection of the origin: heads are read, bodies are not; answers are the bytes of the scripts. */
export const serveHttp1: Serve = async (socket, connection, answer) => {
  for await (const raw of requestHeads(socket)) await send(socket, await answer(parseRequest(raw, connection)));
  socket.end();
};

async function send(socket: Socket, script: Script): Promise<void> {
  const isComplete = await play(script, wireOf(script), {
    begin: () => write(socket, headOf(script)),
    isGone: () => socket.destroyed,
    write: (bytes) => write(socket, bytes),
    cut: (by) => end(socket, by),
  });
  if (isComplete && closesBehind(script)) end(socket, 'fin');
}

export function end(socket: Socket, by: 'fin' | 'rst'): void {
  // A TLS socket cannot be reset from here; destroying it ends TCP without a close_notify, which is as rude.
  if (by === 'fin') socket.end();
  else if ('encrypted' in socket) socket.destroy();
  else setImmediate(() => socket.resetAndDestroy());
}

/** Resolves when the kernel has the bytes, or the peer is gone. */
export function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (bytes.length === 0 || socket.destroyed || socket.writableEnded) resolve();
    else socket.write(bytes, () => resolve());
  });
}

async function* requestHeads(socket: Socket): AsyncGenerator<string> {
  let pending = '';
  for await (const chunk of socket) {
    pending += Buffer.from(chunk).toString('latin1');
    for (let at = pending.indexOf('\r\n\r\n'); at >= 0; at = pending.indexOf('\r\n\r\n')) {
      const raw = pending.slice(0, at + 4);
      pending = pending.slice(at + 4);
      yield raw;
    }
  }
}

function parseRequest(raw: string, connection: number): RecordedRequest {
  const [first = '', ...lines] = raw.trimEnd().split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const pairs = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.replace(/^[^:]*:\s*/, '')]);
  const headers: Record<string, string> = Object.fromEntries(pairs);
  return { method, path, host: (headers.host ?? '').replace(/:\d+$/, ''), headers, raw, connection };
}

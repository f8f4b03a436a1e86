import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, onTestFinished } from 'vitest';
import { makeCertificate } from '../support/origin-certificate.ts';
import { it, type Rig } from '../support/run-context.ts';

const certificate = makeCertificate({ names: ['localhost', '127.0.0.1'] });

type Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** Speaks HTTP/1.1 and HTTP/2 on one port, and counts the connections on which it is asked. */
async function startBoth(handler: Handler) {
  const open = new Set<TLSSocket>();
  let mostAtOnce = 0;
  const sockets = new Map<number | undefined, TLSSocket>();
  const server = createSecureServer({ ...certificate, allowHTTP1: true }, (request, response) => {
    // Not when it is accepted: then the end of the one before may still be on its way to us.
    const socket = sockets.get(request.socket.remotePort);
    if (socket && !socket.destroyed) open.add(socket);
    mostAtOnce = Math.max(mostAtOnce, open.size);
    handler(request, response);
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const { remotePort } = socket;
    sockets.set(remotePort, socket);
    const gone = () => {
      open.delete(socket);
      if (sockets.get(remotePort) === socket) sockets.delete(remotePort);
    };
    socket.once('end', gone).once('close', gone).on('error', gone);
  });
  server.on('sessionError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(async () => {
    for (const socket of sockets.values()) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return {
    host,
    url: (path: string) => `https://${host}${path}`,
    most: () => mostAtOnce,
    reset: () => {
      mostAtOnce = open.size;
    },
  };
}

const RETRY_AFTER = [
  '-1',
  '0',
  '1',
  '1e9',
  'Infinity',
  '99999999999999',
  'soon',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  '2026-11-24',
];
const pick = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)] as T;

/** Waits between rounds cost no time; those inside are real. */
function jumping(rig: Rig) {
  const ahead = rig.clock.now;
  return { now: () => Date.now() + rig.clock.now - ahead, random: Math.random };
}

describe('a host under faults of every kind', () => {
  it('H74: never has more connections than it may have, whatever back-ends its items name', {
    timeout: 120_000,
  }, async ({ rig }) => {
    let leadsElsewhere = false;
    const misbehave =
      (own: () => string, other: () => string): Handler =>
      (request, response) => {
        const chance = Math.random();
        if (chance < 0.08) request.socket.destroy();
        else if (chance < 0.2) response.writeHead(pick([429, 503]), { 'retry-after': pick(RETRY_AFTER) }).end();
        else if (chance < 0.25) response.writeHead(500).end('x'.repeat(10_000));
        else if (chance < 0.4)
          response.writeHead(302, { location: `${leadsElsewhere ? other() : own()}${request.url}` }).end();
        else if (chance < 0.45)
          response.writeHead(200, { 'content-length': '5000' }).write('x'.repeat(100), () => request.socket.destroy());
        else setTimeout(() => response.end('x'), Math.random() * 15);
      };
    const hosts: Awaited<ReturnType<typeof startBoth>>[] = [];
    for (const index of [0, 1])
      hosts.push(
        await startBoth(
          misbehave(
            () => hosts[index]?.url('') ?? '',
            () => hosts[1 - index]?.url('') ?? '',
          ),
        ),
      );
    let run = 0;

    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        async (one, other, maxConcurrency) => {
          for (const host of hosts) host.reset();
          // What several workers are led to unforeseen, none of them can count.
          leadsElsewhere = maxConcurrency === 1;
          const name = `r${++run}`;
          const items = hosts.flatMap((host, at) =>
            Array.from({ length: 12 }, (_, index) => ({
              url: host.url(`/${index}`),
              key: `${name}/${at}-${index}`,
              backend: pick(['undici', 'node', 'h2', 'auto']),
              request: { ca: certificate.cert },
            })),
          );
          const limits = [one, other];
          const options = {
            hosts: hosts.map(({ host }, at) => ({ pattern: host, connections: limits[at] })),
            maxConcurrency,
            attempts: 3,
            hostAttempts: 2,
            connectTimeoutMs: 2_000,
          };

          const outcomes = await rig.run({ run: name, items, to: rig.root, options }, jumping(rig));

          expect(outcomes.length).toBe(24);
          for (const [at, host] of hosts.entries()) expect(host.most()).toBeLessThanOrEqual(limits[at] ?? 0);
        },
      ),
      { numRuns: 4, endOnFailure: true },
    );
  });
});

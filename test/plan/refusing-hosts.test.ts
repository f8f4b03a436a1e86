import { createServer, type Server, type Socket } from 'node:net';
import { describe, expect } from 'vitest';
import type { Outcome } from '../../lib/contract/outcome.ts';
import { newestStatus } from '../../lib/plan/status.ts';
import { startOrigin } from '../support/origin.ts';
import { it, listOf, type Rig } from '../support/run-context.ts';

const MiB = 1024 * 1024;

/** A manifest of any length; inline lists end at a thousand. */
function manifest(urls: readonly string[]) {
  const text = urls.map((url, index) => `${JSON.stringify({ url, key: `k${index}` })}\n`).join('');
  return {
    openManifest: async () => ({
      name: 'list.jsonl',
      etag: '"1"',
      bytes: (async function* () {
        yield Buffer.from(text);
      })(),
    }),
  };
}

function runOf(rig: Rig, urls: readonly string[], options: object = {}, more: object = {}) {
  const input = { run: 'r', manifest: { uri: 'list.jsonl' }, to: rig.root, options };
  return rig.run(input, { ...manifest(urls), ...more });
}

/** Takes every connection and never says a word: TLS is not established in time. */
async function startSilent(): Promise<{ server: Server; port: number; connections: () => number; close: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { server, port, connections: () => sockets.length, close };
}

const namesOf = (outcomes: readonly Outcome[]) => new Set(outcomes.map(({ error }) => error));
const sumOfAttempts = (outcomes: readonly Outcome[]) => outcomes.reduce((sum, { attempts }) => sum + attempts, 0);

describe('a dead host', () => {
  it('H25: costs a few connect time-outs, not one for each of its 10,000 items', { timeout: 60_000 }, async ({
    rig,
  }) => {
    const silent = await startSilent();
    rig.origin.on('/alive', { body: 'x' });
    const urls = Array.from({ length: 10_000 }, (_, index) => `https://127.0.0.1:${silent.port}/${index}`);

    const outcomes = await runOf(rig, [...urls, rig.origin.url('/alive')], { connectTimeoutMs: 100, hostAttempts: 4 });
    silent.close();

    const dead = outcomes.slice(0, -1);
    expect(outcomes.at(-1)).toMatchObject({ outcome: 'stored', attempts: 1 });
    expect(dead.length).toBe(10_000);
    expect(namesOf(dead)).toEqual(new Set(['ConnectTimeout']));
    expect(silent.connections()).toBeLessThan(30);
    // What the outcomes say was tried is what the host has seen.
    expect(sumOfAttempts(dead)).toBe(silent.connections());
    expect(dead.at(-1)?.message).toContain(`127.0.0.1:${silent.port} refused 4 times in a row`);
  });

  it('H25: behind a redirect costs no more, whatever the host in front of it may have', { timeout: 60_000 }, async ({
    rig,
  }) => {
    const silent = await startSilent();
    const paths = Array.from({ length: 200 }, (_, index) => `/${index}`);
    for (const path of paths) {
      rig.origin.on(path, { status: 302, headers: { Location: `http://127.0.0.1:${silent.port}${path}` } });
    }

    const outcomes = await rig.run(listOf(rig, paths, { headersTimeoutMs: 100, maxConcurrency: 8 }));
    silent.close();

    expect(namesOf(outcomes)).toEqual(new Set(['HeadersTimeout']));
    expect(silent.connections()).toBeLessThan(30);
  });

  it('H33: that comes back is tried by one connection first, and its items are stored', async ({ rig }) => {
    const paths = Array.from({ length: 30 }, (_, index) => `/${index}`);
    const gone = await startOrigin();
    const { port } = gone;
    await gone.close();
    const urls = paths.map((path) => `http://127.0.0.1:${port}${path}`);
    const input = { run: 'r', items: urls.map((url, index) => ({ url, key: `k${index}` })), to: rig.root };
    const first = await rig.plan(input);
    await rig.transfer(first);
    const waiting = await rig.plan(first);
    expect(waiting).toMatchObject({ next: 'wait' });
    expect((await newestStatus(rig.context().state, 'r'))?.hosts).toMatchObject([
      { host: `127.0.0.1:${port}`, error: 'ConnectFailed', refusals: 1 },
    ]);

    rig.clock.now += waiting.waitSeconds * 1_000;
    const probing = await rig.plan(waiting);
    expect(probing.shards).toMatchObject([{ lanes: 1, items: 30 }]);
    const { createServer: serve } = await import('node:http');
    const server = serve((_request, response) => response.end('x'));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await rig.transfer(probing);
    const done = await rig.plan(probing);
    server.close();

    expect(done).toMatchObject({ next: 'report' });
    expect(await newestStatus(rig.context().state, 'r')).toMatchObject({ left: 0, failed: 0 });
    expect((await newestStatus(rig.context().state, 'r'))?.hosts).toBeUndefined();
  });

  it('behind a redirect is parked by itself: the host in front of it goes on with what it serves', async ({ rig }) => {
    const gone = await startOrigin();
    await gone.close();
    const paths = Array.from({ length: 40 }, (_, index) => `/${index}`);
    for (const [index, path] of paths.entries()) {
      const away = { status: 302, headers: { Location: `http://127.0.0.1:${gone.port}${path}` } };
      rig.origin.on(path, index % 2 === 0 ? away : { body: path });
    }

    const plan = await rig.plan(listOf(rig, paths, { perHostConnections: 1 }));
    await rig.transfer(plan);
    await rig.plan(plan);

    const status = await newestStatus(rig.context().state, 'r');
    expect(status?.hosts).toMatchObject([{ host: `127.0.0.1:${gone.port}`, error: 'ConnectFailed' }]);
    expect(status?.left).toBe(20);
    const outcomes = await rig.run({ run: 'r', to: rig.root });
    expect(outcomes.filter(({ outcome }) => outcome === 'stored').length).toBe(20);
    expect(namesOf(outcomes.filter(({ outcome }) => outcome === 'failed'))).toEqual(new Set(['ConnectFailed']));
  });
});

describe('a host that throttles', () => {
  const busy = (seconds: number) => ({ status: 429, headers: { 'Retry-After': String(seconds) } });

  it('is left alone by all lanes of an invocation once one of them is told to wait', async ({ rig }) => {
    const paths = Array.from({ length: 60 }, (_, index) => `/${index}`);
    for (const path of paths) rig.origin.on(path, busy(120));

    const plan = await rig.plan(listOf(rig, paths));
    await rig.transfer(plan);

    // Each lane may have had one request under way.
    expect(rig.origin.requests.length).toBeLessThanOrEqual(6);
  });

  it('is asked again when it said, while the others go on', async ({ rig }) => {
    const other = await startOrigin({}, { address: '127.0.0.2' });
    const paths = Array.from({ length: 20 }, (_, index) => `/${index}`);
    for (const path of paths) {
      rig.origin.on(path, () => (rig.origin.requests.length === 1 ? busy(300) : { body: path }));
      other.on(path, { body: path });
    }
    const urls = paths.flatMap((path) => [rig.origin.url(path), other.url(path, '127.0.0.2')]);
    const startedAt = rig.clock.now;

    const outcomes = await runOf(rig, urls, { perHostConnections: 1 });
    await other.close();

    expect(namesOf(outcomes)).toEqual(new Set([undefined]));
    expect(other.requests.length).toBe(20);
    expect(rig.clock.now - startedAt).toBeGreaterThanOrEqual(300_000);
    // Its first item was told to wait, and the nineteen behind it were not asked for in vain.
    expect(rig.origin.requests.length).toBe(21);
  });

  it('fails what is left of it when it has refused for its whole budget, each line once', async ({ rig }) => {
    const paths = Array.from({ length: 500 }, (_, index) => `/${index}`);
    for (const path of paths) rig.origin.on(path, { status: 429 });

    const outcomes = await runOf(
      rig,
      paths.map((path) => rig.origin.url(path)),
      { hostAttempts: 3 },
    );

    expect(outcomes.map(({ line }) => line)).toEqual(paths.map((_, index) => index + 1));
    expect(namesOf(outcomes)).toEqual(new Set(['Throttled']));
    expect(sumOfAttempts(outcomes)).toBe(rig.origin.requests.length);
    expect(rig.origin.requests.length).toBeLessThan(30);
  });

  it('has its time limited by hostTimeoutMs', async ({ rig }) => {
    const paths = ['/a', '/b', '/c', '/d'];
    for (const path of paths) rig.origin.on(path, busy(600));
    const startedAt = rig.clock.now;

    const outcomes = await rig.run(listOf(rig, paths, { hostTimeoutMs: 900_000, perHostConnections: 1 }));

    expect(namesOf(outcomes)).toEqual(new Set(['Throttled']));
    expect(rig.clock.now - startedAt).toBe(1_200_000);
    expect(rig.origin.requests.length).toBe(3);
  });

  it('deployed, is not asked by a fresh invocation of the same round', async ({ rig }) => {
    for (const path of ['/a', '/b', '/c']) rig.origin.on(path, busy(300));
    const deployed = () => rig.context({ inProcess: false, deadline: rig.clock.now + 900_000, memoryBytes: 512 * MiB });
    const plan = await rig.plan(listOf(rig, ['/a', '/b', '/c'], { perHostConnections: 1 }), deployed());

    const [answer] = await rig.transfer(plan, deployed());
    expect(answer).toMatchObject({ next: 'done' });
    await rig.transfer(plan, deployed());

    expect(rig.origin.requests.length).toBe(1);
  });
});

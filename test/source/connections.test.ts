import { createServer } from 'node:net';
import { expect } from 'vitest';
import { asked, conformance, EVERY_BACKEND, failureOf, openAt, readAll } from './fixture.ts';

const everyNameIsLocal = async () => [{ address: '127.0.0.1', family: 4 }];

conformance('connections', EVERY_BACKEND, (it) => {
  it('one per origin serves one file after another', async ({ origin, source }) => {
    origin.on('/f', { body: { seed: 1, bytes: 300_000 } });
    origin.on('/g', { body: 'chunked', framing: 'chunked' });
    const client = source.client();

    for (let round = 0; round < 10; round += 1) {
      expect((await source.read('/f', { client })).bytes.length).toBe(300_000);
      expect(String((await source.read('/g', { client })).bytes)).toBe('chunked');
    }

    expect(origin.connections).toMatchObject({ total: 1, max: 1 });
  });

  it('H74: a second file of the host waits for the first, there is never a second connection', async ({
    origin,
    source,
  }) => {
    origin.on('/f', { body: { seed: 1, bytes: 2_000_000 } });
    const client = source.client();

    const reads = await Promise.all([1, 2, 3].map(async () => readAll(await openAt(client, origin.url('/f')))));

    expect(reads.map((read) => read.bytes.length)).toEqual([2_000_000, 2_000_000, 2_000_000]);
    expect(origin.connections).toMatchObject({ total: 1, max: 1 });
  });

  it('are made anew when the host closes them', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello', close: true });
    const client = source.client();

    const reads = [await source.read('/f', { client }), await source.read('/f', { client })];

    expect(reads.map((read) => String(read.bytes))).toEqual(['hello', 'hello']);
    expect(origin.connections.total).toBe(2);
  });

  it('to many hosts are not all kept', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const client = source.client({ lookup: everyNameIsLocal });

    for (let host = 0; host < 30; host += 1) await source.read(origin.url('/f', `h${host}.test`), { client });

    expect(origin.connections.total).toBe(30);
    expect(origin.connections.max).toBeLessThanOrEqual(9);
    expect(origin.connectionsOf('h3.test')).toMatchObject({ total: 1, max: 1 });
  });

  it('are closed when close() resolves, and none is made afterwards', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    origin.on('/large', { body: { seed: 1, bytes: 50_000_000 } });
    const client = source.client({ lookup: everyNameIsLocal });
    await source.read(origin.url('/f', 'a.test'), { client });
    const opened = await openAt(client, origin.url('/large', 'b.test'));

    await client.close();

    expect(await failureOf(client.open(asked(origin.url('/f'))))).toMatchObject({ name: 'Interrupted' });
    expect((await readAll(opened)).error?.name).toBe('Interrupted');
    while (origin.connections.open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(origin.connections.total).toBe(2);
  });

  it('that are still being made are given up by close()', async ({ source }) => {
    const server = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const client = source.client({ policy: { connectTimeoutMs: 600_000 } });
    const ended = new Promise((resolve) => server.once('connection', (socket) => socket.once('close', resolve)));
    const failure = failureOf(client.open(asked(`https://127.0.0.1:${port}/`)));
    await new Promise((resolve) => server.once('connection', resolve));

    await client.close();

    expect(await failure).toMatchObject({ name: 'Interrupted' });
    await ended;
    server.close();
  });
});

import { createServer, type Server } from 'node:net';
import { expect } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { asked, conformance, EVERY_BACKEND, failureOf, HTTP1, openAt, readAll } from './fixture.ts';

/** Long enough that the test would run into its own limit if the timer were not there. */
const SHORT_MS = 300;

async function silentServer(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

conformance('connecting', EVERY_BACKEND, (it) => {
  it('H25: a name server that says nothing is a ConnectTimeout', async ({ source }) => {
    const client = source.client({
      policy: { connectTimeoutMs: SHORT_MS },
      lookup: () => new Promise(() => {}),
    });

    expect(await source.refusal('https://a.test/', { client })).toMatchObject({ name: 'ConnectTimeout' });
  });

  it('H26: a TLS handshake that stalls is a ConnectTimeout', async ({ source }) => {
    const { server, port } = await silentServer();
    const client = source.client({ policy: { connectTimeoutMs: SHORT_MS } });

    const error = await source.refusal(`https://127.0.0.1:${port}/`, { client });

    expect(error).toMatchObject({ name: 'ConnectTimeout', retryable: true });
    server.close();
  });

  it('H33: a refused connection is ConnectFailed', async ({ source }) => {
    const { server, port } = await silentServer();
    await new Promise((resolve) => server.close(resolve));

    expect(await source.refusal(`https://127.0.0.1:${port}/`)).toMatchObject({
      name: 'ConnectFailed',
      retryable: true,
    });
  });

  it('H25: the next address is tried when one refuses', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const client = source.client({
      lookup: async () => [
        { address: '127.0.0.77', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    });

    expect(String((await source.read(origin.url('/f', 'a.test'), { client })).bytes)).toBe('hello');
  });
});

conformance('a header block of HTTP/1.1', HTTP1, (it) => {
  it('H27: a header block that drips is a HeadersTimeout', async ({ origin, source }) => {
    origin.on('/f', { raw: `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(10_000)}`, drip: { bytes: 1, everyMs: 20 } });
    const client = source.client({ policy: { headersTimeoutMs: SHORT_MS } });

    expect(await source.refusal('/f', { client })).toMatchObject({ name: 'HeadersTimeout' });
  });
});

conformance('waiting', EVERY_BACKEND, (it) => {
  it('H27: no headers are a HeadersTimeout', async ({ origin, source }) => {
    origin.on('/f', { delayMs: Number.POSITIVE_INFINITY });
    const client = source.client({ policy: { headersTimeoutMs: SHORT_MS } });

    expect(await source.refusal('/f', { client })).toMatchObject({ name: 'HeadersTimeout', retryable: true });
  });

  it('H28: a stall in the body is an IdleTimeout behind the bytes that came', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello world', stall: { afterBytes: 5 } });
    const client = source.client({ policy: { idleTimeoutMs: SHORT_MS } });

    const read = await source.read('/f', { client });

    expect(read.error).toMatchObject({ name: 'IdleTimeout', retryable: true });
    expect(String(read.bytes)).toBe('hello');
  });

  it('H28: a body that comes in drops is no stall', async ({ origin, source }) => {
    origin.on('/f', { body: 'drip drip drip drip', drip: { bytes: 1, everyMs: SHORT_MS / 5 } });
    const client = source.client({ policy: { idleTimeoutMs: SHORT_MS } });

    const read = await source.read('/f', { client });

    expect([String(read.bytes), read.error]).toEqual(['drip drip drip drip', undefined]);
  });

  it('H28: a reader that takes its time is no stall', async ({ origin, source }) => {
    origin.on('/f', { body: { seed: 1, bytes: 4_000_000 } });
    const client = source.client({ policy: { idleTimeoutMs: SHORT_MS } });
    const opened = await openAt(client, origin.url('/f'));

    await new Promise((resolve) => setTimeout(resolve, 3 * SHORT_MS));

    const read = await readAll(opened);
    expect([read.error, read.bytes.length]).toEqual([undefined, 4_000_000]);
  });

  it('H29: a drip that feeds the idle timer is TooSlow when a window is over', async ({ origin, source }) => {
    origin.on('/f', { body: { seed: 1, bytes: 100_000 }, drip: { bytes: 1, everyMs: 20 } });
    const client = source.client({
      policy: { minBytesPerSecond: 1_024, idleTimeoutMs: 5_000 },
      throughputWindowMs: SHORT_MS,
    });

    expect((await source.read('/f', { client })).error).toMatchObject({ name: 'TooSlow', retryable: true });
  });

  it('H29: a reader that takes its time does not make the source too slow', async ({ origin, source }) => {
    origin.on('/f', { body: { seed: 1, bytes: 4_000_000 } });
    const client = source.client({ policy: { minBytesPerSecond: 200_000 }, throughputWindowMs: SHORT_MS });
    const opened = await openAt(client, origin.url('/f'));

    await new Promise((resolve) => setTimeout(resolve, 5 * SHORT_MS));

    const read = await readAll(opened);
    expect([read.error, read.bytes.length]).toEqual([undefined, 4_000_000]);
  });

  it('H29: without a limit a drip is only slow', async ({ origin, source }) => {
    origin.on('/f', { body: 'drip drip drip', drip: { bytes: 1, everyMs: 20 } });
    const client = source.client({ policy: { minBytesPerSecond: 0 }, throughputWindowMs: 50 });

    expect(String((await source.read('/f', { client })).bytes)).toBe('drip drip drip');
  });
});

conformance('a signal', EVERY_BACKEND, (it) => {
  it('ends waiting for headers, with its reason when it is one of ours', async ({ origin, source }) => {
    origin.on('/f', { delayMs: Number.POSITIVE_INFINITY });
    const reason = new SkyhaulError('ItemTimeout', 'over');
    const controller = new AbortController();
    const opening = source.client().open(asked(origin.url('/f'), {}, controller.signal));
    while (origin.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));

    controller.abort(reason);

    expect(await failureOf(opening)).toBe(reason);
    while (origin.connections.open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('ends reading a body at once, as Interrupted for any other reason', async ({ origin, source }) => {
    origin.on('/f', { body: { seed: 1, bytes: 50_000_000 } });
    const controller = new AbortController();
    const opened = await source.client().open(asked(origin.url('/f'), {}, controller.signal));
    if (!('body' in opened)) throw new Error('304');

    controller.abort();

    expect(await readAll(opened)).toMatchObject({ error: { name: 'Interrupted' }, bytes: Buffer.alloc(0) });
  });

  it('ends connecting, and the socket with it', async ({ source }) => {
    const { server, port } = await silentServer();
    const controller = new AbortController();
    const sockets = new Promise<void>((resolve) =>
      server.once('connection', (socket) => socket.once('close', resolve)),
    );
    const opening = source.client().open(asked(`https://127.0.0.1:${port}/`, {}, controller.signal));
    await new Promise((resolve) => server.once('connection', resolve));

    controller.abort();

    expect(await failureOf(opening)).toMatchObject({ name: 'Interrupted' });
    await sockets;
    server.close();
  });

  it('that is aborted already lets nothing out', async ({ origin, source }) => {
    const opening = source.client().open(asked(origin.url('/f'), {}, AbortSignal.abort()));

    expect(await failureOf(opening)).toMatchObject({ name: 'Interrupted' });
    expect(origin.connections.total).toBe(0);
  });

  it('behind the end of a body does nothing to the connection', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const client = source.client();
    const controller = new AbortController();
    const opened = await client.open(asked(origin.url('/f'), {}, controller.signal));
    if (!('body' in opened)) throw new Error('304');
    await readAll(opened);

    controller.abort();
    await source.read('/f', { client });

    expect(origin.connections.total).toBe(1);
  });
});

import { constants } from 'node:http2';
import { describe, expect } from 'vitest';
import { StreamedBody } from '../../lib/source/streamed-body.ts';
import { goAway } from '../support/http2-frames.ts';
import { startOrigin } from '../support/origin.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import {
  type Answering,
  bodyOf,
  endless,
  KiB,
  MiB,
  pause,
  post,
  secure,
  slowly,
  startBodyHost,
  until,
  watched,
} from './body-host.ts';
import { asked, conformance, EVERY_BACKEND, failureOf, readAll, testOver, withBody } from './fixture.ts';

conformance('a body that is a stream and does not come to its end', EVERY_BACKEND, (it, backend) => {
  it.for([
    ['fewer', 8, 'only 6 bytes; 8 were promised'],
    ['more', 5, 'at least 6 bytes; 5 were promised'],
  ] as const)('never looks whole with %s bytes than promised', async ([, bytes, message], { source }) => {
    const read: (Buffer | undefined)[] = [];
    const host = await startBodyHost(backend, (request) => void bodyOf(request).then((body) => read.push(body)));
    const { told, stream } = watched(() => slowly(['one', 'two'], 20));

    const error = await failureOf(post(source.client(secure), host.url(), new StreamedBody(stream(), bytes)));

    expect(error).toMatchObject({ name: 'SizeMismatch', message: expect.stringContaining(message) });
    await until(() => read.length === 1 && told.closed === 1);
    expect(read).toEqual([undefined]);
  });

  it('that throws fails the request by its own error, and never looks whole', async ({ source }) => {
    const read: (Buffer | undefined)[] = [];
    const host = await startBodyHost(backend, (request, response) => {
      if (request.url === '/next') response.end('next');
      else void bodyOf(request).then((body) => read.push(body));
    });
    const cause = new Error('no more rows');
    async function* rows() {
      yield* slowly(['one'], 5);
      await until(() => host.requests.length === 1);
      throw cause;
    }
    const client = source.client(secure);

    const error = await failureOf(post(client, host.url(), rows()));

    expect(error).toMatchObject({ name: 'TransformFailed', cause, message: expect.stringContaining('no more rows') });
    await until(() => read.length === 1);
    expect(read).toEqual([undefined]);
    expect(String((await source.read(host.url('/next'), { client })).bytes)).toBe('next');
  });

  it('stops where the host refuses it before its end, and the refusal counts', async ({ source }) => {
    const host = await startBodyHost(backend, (request, response) => {
      if (request.url === '/next') response.end('next');
      else {
        request.once('data', () => {
          response.statusCode = 413;
          response.end('too much');
          request.resume();
        });
      }
    });
    const { told, stream } = watched(endless);
    const client = source.client(secure);

    const error = await failureOf(post(client, host.url(), stream()));

    expect(error).toMatchObject({ name: 'UnexpectedStatus', details: { status: 413 } });
    await until(() => told.closed === 1);
    expect(String((await source.read(host.url('/next'), { client })).bytes)).toBe('next');
  });

  it('is asked for nothing more while a refusal is still being read', async ({ source }) => {
    const { told, stream } = watched(endless);
    const taken: number[] = [];
    const refuse = async (response: Answering) => {
      response.statusCode = 413;
      response.write('no');
      for (const _ of [1, 2]) {
        await pause(150);
        taken.push(told.taken);
      }
      response.end();
    };
    const host = await startBodyHost(backend, (request, response) => {
      request.once('data', () => void refuse(response));
      request.resume();
    });

    expect(await failureOf(post(source.client(secure), host.url(), stream()))).toMatchObject({
      name: 'UnexpectedStatus',
    });
    expect(taken[1]).toBe(taken[0]);
  });

  it('stops where a whole answer comes before its end', async ({ source }) => {
    const long = bytesOf('answer', 2 * MiB);
    const host = await startBodyHost(backend, (request, response) => {
      request.once('data', () => {
        response.setHeader('content-length', long.length);
        response.end(long);
        request.resume();
      });
    });
    const { told, stream } = watched(endless);
    const client = source.client(secure);
    const body = new StreamedBody(stream(), undefined);

    const opened = withBody(await client.open({ ...asked(host.url()), method: 'POST', body }));
    await pause(50);
    const { bytes, error } = await readAll(opened);

    expect(error).toBeUndefined();
    expect(bytes.equals(long)).toBe(true);
    await until(() => told.closed === 1);
    expect(opened.version).toBeUndefined();
  });

  it('is closed when the signal is aborted, also while it waits itself', async ({ source }) => {
    const host = await startBodyHost(backend, (request) => void request.resume());
    const controller = new AbortController();
    let cancelled = 0;
    const web = new ReadableStream<Uint8Array>({
      start: (stream) => stream.enqueue(Buffer.from('begun')),
      cancel: () => {
        cancelled += 1;
      },
    });
    const client = source.client(secure);
    const posted = failureOf(post(client, host.url(), new StreamedBody(web, undefined), controller.signal));

    await until(() => host.requests.length === 1);
    controller.abort();

    expect((await posted).name).toBe('Interrupted');
    await until(() => cancelled === 1 && host.connections.open === 0);
  });

  it('waits no longer for a host that takes nothing than for its headers', async ({ source }) => {
    const host = await startBodyHost(backend, () => {});
    const { told, stream } = watched(endless);
    const client = source.client({ ...secure, policy: { headersTimeoutMs: 300 } });

    expect((await failureOf(post(client, host.url(), stream()))).name).toBe('HeadersTimeout');
    await until(() => told.closed === 1);
  });

  it('is begun no second time when the connection is lost behind its first byte', async ({ source }) => {
    const host = await startBodyHost(backend, (request) => {
      request.once('data', () => {
        for (const socket of host.sockets) socket.destroy();
      });
    });
    const { told, stream } = watched(endless);
    const body = new StreamedBody(stream(), undefined);

    const error = await failureOf(post(source.client(secure), host.url(), body));

    expect(error).toMatchObject({ name: 'ConnectionLost', retryable: true });
    expect(body.canBeSent).toBe(false);
    await until(() => told.closed === 1);
    expect(told.opened).toBe(1);
    expect(() => body.open()).toThrow('give a function');
  });

  it('is closed where the host goes away while it takes nothing', async ({ source }) => {
    const host = await startBodyHost(backend, (request) => {
      setTimeout(() => {
        if ('stream' in request) request.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
        else request.socket.destroy();
      }, 200);
    });
    const { told, stream } = watched(async function* () {
      for (;;) yield bytesOf('more', 256 * KiB);
    });

    expect((await failureOf(post(source.client(secure), host.url(), stream()))).name).toBe('ConnectionLost');
    await until(() => told.closed === 1);
  });

  it('is not touched when there is no connection to send it on', async ({ source }) => {
    const { told, stream } = watched(endless);
    const body = new StreamedBody(stream(), undefined);
    const gone = await startOrigin();
    await gone.close();

    const url = gone.url('/').replace('http:', backend === 'h2' ? 'https:' : 'http:');
    expect((await failureOf(post(source.client(secure), url, body))).name).toBe('ConnectFailed');
    expect([told.opened, body.canBeSent]).toEqual([0, true]);
  });
});

describe('a body that is a stream, over HTTP/2', () => {
  const it = testOver('h2');

  it('leaves its connection to the next request, where the host answers and does not reset the stream', async ({
    origin,
    source,
  }) => {
    origin.on('/f', { body: 'hello' });
    const client = source.client();

    expect(await post(client, origin.url('/f'), endless())).toBe('hello');
    expect(await source.outcome('/f', { client })).toBe('read');
    expect(origin.connections.total).toBe(1);
  });

  it('behind a GOAWAY is not sent on from its middle over another connection', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    origin.on('/refused', { http2: { instead: () => [goAway(0)] } });
    const client = source.client();
    await source.read('/f', { client });
    const { told, stream } = watched(endless);

    expect((await failureOf(post(client, origin.url('/refused'), stream()))).name).toBe('ConnectionLost');

    expect(origin.requests.map(({ path }) => path)).toEqual(['/f', '/refused']);
    await until(() => told.closed === 1);
  });
});

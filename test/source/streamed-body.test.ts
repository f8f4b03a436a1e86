import { expect } from 'vitest';
import { StreamedBody } from '../../lib/source/streamed-body.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { bodyOf, KiB, MiB, pause, post, secure, slowly, startBodyHost, until, watched } from './body-host.ts';
import { asked, conformance, EVERY_BACKEND, failureOf, withBody } from './fixture.ts';

conformance('a body that is a stream', EVERY_BACKEND, (it, backend) => {
  it('is sent as it comes, without a length, on a connection that is kept', async ({ source }) => {
    const host = await startBodyHost(backend, (request, response) => {
      void bodyOf(request).then((body) => response.end(`read ${body}`));
    });
    const client = source.client(secure);
    const { told, stream } = watched(() => slowly(['one ', '', 'two ', 'three'], 5));

    expect(await post(client, host.url(), stream())).toBe('read one two three');
    expect(await post(client, host.url(), slowly([], 0))).toBe('read ');
    expect(await post(client, host.url(), slowly(['ü'], 0))).toBe('read ü');

    expect(host.requests[0]?.headers['content-length']).toBeUndefined();
    expect(told).toMatchObject({ opened: 1, closed: 1 });
    expect(host.connections.total).toBe(1);
  });

  it('is sent with the length that is promised', async ({ source }) => {
    const host = await startBodyHost(backend, (request, response) => {
      void bodyOf(request).then((body) => response.end(`read ${body?.length}`));
    });
    const client = source.client(secure);
    const bytes = 3 * MiB + 1;
    const web = new Blob([bytesOf('web', bytes)]).stream();

    expect(await post(client, host.url(), new StreamedBody(web, bytes))).toBe(`read ${bytes}`);
    expect(await post(client, host.url(), new StreamedBody(slowly([], 0), 0))).toBe('read 0');
    expect(host.requests.map(({ headers }) => headers['content-length'])).toEqual([String(bytes), '0']);
    expect(host.connections.total).toBe(1);
  });

  it('is taken only as fast as the host reads', { timeout: 30_000 }, async ({ source }) => {
    const BYTES = 64 * MiB;
    const piece = bytesOf('piece', 256 * KiB);
    let read = 0;
    let ahead = 0;
    const { told, stream } = watched(async function* () {
      for (let at = 0; at < BYTES; at += piece.length) {
        ahead = Math.max(ahead, at - read);
        yield piece;
      }
    });
    const go = Promise.withResolvers<void>();
    const host = await startBodyHost(backend, (request, response) => {
      void go.promise.then(async () => {
        for await (const chunk of request) read += (chunk as Buffer).length;
        response.end('done');
      });
    });
    const answer = post(source.client(secure), host.url(), stream());

    await until(() => told.taken > 0);
    for (let before = -1; before < told.taken; await pause(200)) before = told.taken;
    const stalledAt = told.taken;
    go.resolve();

    expect(await answer).toBe('done');
    expect(stalledAt).toBeLessThan(20 * MiB);
    // What the buffers of both sockets hold.
    expect(ahead).toBeLessThan(20 * MiB);
    expect([read, told.closed]).toEqual([BYTES, 1]);
  });

  it('goes on while an answer is read that begins before its end', async ({ source }) => {
    const host = await startBodyHost(backend, (request, response) => {
      request.pipe(response);
    });
    const answers: string[] = [];
    async function* talk() {
      yield 'first';
      await until(() => answers.length === 1);
      yield 'second';
    }
    const body = new StreamedBody(talk(), undefined);

    const opened = withBody(await source.client(secure).open({ ...asked(host.url()), method: 'POST', body }));
    for await (const chunk of opened.body) answers.push(String(chunk));

    expect(answers).toEqual(['first', 'second']);
  });

  it('gives the host its time for the headers behind the last byte', async ({ source }) => {
    const host = await startBodyHost(backend, (request, response) => {
      void bodyOf(request).then(() => {
        if (request.url === '/answers') response.end('answer');
      });
    });
    const client = source.client({ ...secure, policy: { headersTimeoutMs: 300 } });
    const late = () => slowly(['one', 'two'], 450);

    expect(await post(client, host.url('/answers'), late())).toBe('answer');
    expect((await failureOf(post(client, host.url('/silent'), late()))).name).toBe('HeadersTimeout');
  });

  it('is opened again for a redirect that keeps it, if it is a function', async ({ source }) => {
    const host = await startBodyHost(backend, (request, response) => {
      void bodyOf(request).then((body) => {
        if (request.url === '/to') return response.end(`${request.method} ${body}`);
        response.statusCode = Number(request.url?.slice(1));
        response.setHeader('location', '/to');
        response.end();
      });
    });
    const client = source.client(secure);
    const { told, stream } = watched(() => slowly(['rows'], 1));

    expect(await post(client, host.url('/308'), stream)).toBe('POST rows');
    expect(told).toMatchObject({ opened: 2, closed: 2 });
    expect(await post(client, host.url('/303'), stream())).toBe('GET ');
    const refused = await failureOf(post(client, host.url('/307'), stream()));
    expect(refused).toMatchObject({ name: 'RedirectRefused', message: expect.stringContaining('give a function') });
  });
});

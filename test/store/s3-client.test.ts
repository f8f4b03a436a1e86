import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, onTestFinished, test } from 'vitest';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { startMemoryS3 } from '../support/memory-s3.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { refuse } from '../support/store-faults-rules.ts';

const account = { region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
const command = new PutObjectCommand({
  Bucket: 'bucket',
  Key: 'key',
  Body: Buffer.alloc(3_000_000),
  ContentLength: 3_000_000,
});

test('bodies are hashed for the signature over plain HTTP only', async () => {
  const hashOver = async (protocol: string) => {
    const client = createS3Client({ ...account, endpoint: `${protocol}://127.0.0.1:9`, maxAttempts: 1 });
    let hash: unknown;
    client.middlewareStack.add(
      (_next) => async (args) => {
        const { request } = args;
        if (typeof request === 'object' && request !== null && 'headers' in request) {
          hash = new Map(Object.entries(request.headers ?? {})).get('x-amz-content-sha256');
        }
        throw new Error('seen');
      },
      { step: 'finalizeRequest', priority: 'low', name: 'look' },
    );
    await expect(client.send(command)).rejects.toThrow('seen');
    return hash;
  };

  expect(await hashOver('https')).toBe('UNSIGNED-PAYLOAD');
  expect(await hashOver('http')).toMatch(/^[0-9a-f]{64}$/);
});

test('S02, S05: a large body is sent again, whole, after an answer that asks for it and after a lost connection', async () => {
  const s3 = await startMemoryS3({ buckets: ['bucket'] });
  onTestFinished(() => s3.close());
  s3.add({ on: 'put', nth: 1, do: refuse('SlowDown') }, { on: 'put', nth: 2, do: { resetAfterBytes: 1_000_000 } });
  const client = createS3Client({ ...account, endpoint: s3.endpoint });
  onTestFinished(() => client.destroy());
  const Body = bytesOf('sent again', 3_000_000);

  await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body, ContentLength: Body.length }));

  expect(s3.count('put')).toBe(3);
  expect(s3.bytesOf('bucket', 'key')?.equals(Body)).toBe(true);
});

test('many requests go over one connection, and none waits for 100 Continue', async () => {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    request.resume().on('end', () => response.setHeader('etag', '"1"').end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const client = createS3Client({ ...account, endpoint: `http://127.0.0.1:${address.port}` });

  for (let sent = 0; sent < 5; sent += 1) await client.send(command);

  expect(new Set(requests.map((request) => request.socket)).size).toBe(1);
  expect(requests.map((request) => request.headers.expect)).toEqual(Array(5).fill(undefined));
  expect(requests[0]?.url).toMatch(/^\/bucket\/key/);
  client.destroy();
  server.close();
});

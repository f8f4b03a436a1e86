import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { expect, inject, test } from 'vitest';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { randomBytes, streamBytes } from '../support/store-bytes.ts';
test('dbg', async () => {
  const client = createS3Client({ endpoint: inject('s3Endpoint'), region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
  await client.send(new CreateBucketCommand({ Bucket: 'dbg' }));
  const store = openS3Store({ client, bucket: 'dbg', prefix: 'x/',  });
  const step = async (name: string, p: Promise<unknown>) => {
    const t = Date.now();
    const r = await p.then(() => 'ok', (e) => `${e.name} ${e.message} ${e.cause}`);
    console.log(name, r, Date.now() - t);
  };
  for (const size of [5_000_000]) {
    const upload = await store.createUpload('k', {});
    await step('50k', streamBytes(store, upload, 1, randomBytes(50_000, 1)));
    await step('20k', store.streamPart(upload, 1, 20_000, (async function* () { yield* [randomBytes(50_000, 1)]; })()));
    await store.abortUpload(upload);
    await step('stream big', streamBytes(store, upload, 1, randomBytes(size, 1)));
    let u2 = upload;
    await step('create', store.createUpload('k', {}).then((u) => { u2 = u; }));
    await step('abort', store.abortUpload(u2));
    await step('list', store.listParts(u2));
    await step('stream', streamBytes(store, u2, 1, randomBytes(1000, 1)));
  }
  expect(1).toBe(1);
}, 100000);

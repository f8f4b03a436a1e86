import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { test } from 'vitest';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { commitOf, cut, sendPart } from '../support/store-conformance.ts';

test('dbg', async () => {
  const client = createS3Client({
    endpoint: 'http://127.0.0.1:45772',
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 2,
  });
  await client.send(new CreateBucketCommand({ Bucket: 'dbg-bucket2' }));
  const store = openS3Store({ client, bucket: 'dbg-bucket2', prefix: '' });
  let t = performance.now();
  const lap = (what: string, e?: unknown) => {
    console.log(
      what,
      Math.round(performance.now() - t),
      e instanceof Error ? [e.name, e.message, (e.cause as any)?.$metadata] : '',
    );
    t = performance.now();
  };
  const pieces = cut(store, 3, 10);
  lap('cut');
  const upload = await store.createUpload('big', {});
  lap('create');
  const [one, two, three] = await Promise.all([1, 2, 3].map((n) => sendPart(store, upload, n, pieces)));
  lap('parts');
  const c = commitOf(pieces, { kind: 'absent' });
  await store.completeUpload(upload, [one!, two!, { ...three!, etag: '"0"' }], c).then(
    () => lap('ok'),
    (e) => lap('bad etag', e),
  );
  await store
    .completeUpload(
      upload,
      [one!, two!, three!, { ...three!, number: 4 }],
      commitOf([...pieces, pieces[2]!], { kind: 'absent' }),
    )
    .then(
      () => lap('ok'),
      (e) => lap('unknown part', e),
    );
}, 20000);

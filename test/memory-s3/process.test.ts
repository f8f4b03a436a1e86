import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startMemoryS3Child } from '../support/memory-s3-child.ts';
import { refuse } from '../support/store-faults-rules.ts';
import { Bucket, clientOf } from './fixture.ts';

test('the memory S3 runs as a process of its own, with rules, tells what it holds, and ends when told', async () => {
  const faults = [{ on: 'put', nth: 1, do: refuse('ExpiredToken') }] as const;
  const child = await startMemoryS3Child({ buckets: [Bucket], mode: 'digest', faults });
  const client = clientOf(child.endpoint);
  const put = () => client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'xyz' }));

  await expect(put()).rejects.toMatchObject({ name: 'ExpiredToken' });
  await put();

  expect(await child.summary()).toMatchObject({
    counts: { put: 2 },
    objects: [{ key: 'k', bytes: 3 }],
    bytesStored: 3,
  });
  await child.close();
  await expect(client.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});

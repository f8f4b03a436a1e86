import { afterAll, beforeAll } from 'vitest';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { type MemoryS3, type MemoryS3Options, startMemoryS3 } from '../support/memory-s3.ts';
import { describeStore } from '../support/store-conformance.ts';

const flavours: Record<string, MemoryS3Options> = {
  'the memory S3': {},
  'the memory S3 with KMS, conflicts and a short memory': { kms: true, conflicts: true, forgetsCompleted: true },
};

for (const [name, options] of Object.entries(flavours)) {
  let s3: MemoryS3;
  let places = 0;
  beforeAll(async () => {
    s3 = await startMemoryS3({ ...options, buckets: ['bucket'] });
  });
  afterAll(() => s3.close());

  describeStore(name, async () => {
    places += 1;
    const prefix = `place-${places}/`;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const client = createS3Client({ endpoint: s3.endpoint, region: 'us-east-1', credentials });
    return () => openS3Store({ client, bucket: 'bucket', prefix });
  });
}

import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, inject } from 'vitest';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { describeStore } from '../support/store-conformance.ts';

const bucket = 'store-conformance';
const client = createS3Client({
  endpoint: inject('s3Endpoint'),
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});
let places = 0;

beforeAll(() => client.send(new CreateBucketCommand({ Bucket: bucket })));
afterAll(() => client.destroy());

describeStore('S3', async () => {
  places += 1;
  const prefix = `place-${places}/`;
  return () => openS3Store({ client, bucket, prefix });
});

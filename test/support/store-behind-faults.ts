import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, inject } from 'vitest';
import type { Condition, ObjectStore, Upload } from '../../lib/store/object-store.ts';
import { createS3Client, type S3ClientOptions } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { commitOf, cut, sendPart } from './store-bytes.ts';
import { type Fault, type FaultyS3, startFaultyS3 } from './store-faults.ts';
import type { Operation } from './store-faults-call.ts';

export const ABSENT: Condition = { kind: 'absent' };

/** For the tests of one file: stores in a bucket of the real S3, behind a proxy of their own that spoils what it is told. */
export function behindFaults(bucket: string) {
  let s3: FaultyS3;
  let places = 0;
  const opened: ObjectStore[] = [];

  beforeAll(async () => {
    const client = createS3Client(options(inject('s3Endpoint')));
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    client.destroy();
  });
  beforeEach(async () => {
    s3 = await startFaultyS3(inject('s3Endpoint'));
    return () => s3.stop();
  });
  afterAll(() => Promise.all(opened.map((store) => store.close())));

  /** A store where `prefix` says; each place that is not given is an empty one. */
  function open(more: S3ClientOptions = {}, place: { bucket?: string; prefix?: string } = {}): ObjectStore {
    places += 1;
    const client = createS3Client(options(s3.endpoint, more));
    const store = openS3Store({ client, bucket, prefix: `${places}/`, ...place });
    opened.push(store);
    return store;
  }

  return {
    open,
    /** The next requests of this operation get these faults, one each. */
    spoil: (operation: Operation, ...faults: Fault[]) => s3.spoil(operation, ...faults),
    count: (operation: Operation) => s3.seen.filter((name) => name === operation).length,
    client: (more: S3ClientOptions = {}) => createS3Client(options(s3.endpoint, more)),
    /** Another process at the same place. */
    reopen: (store: ObjectStore) => open({}, { prefix: `${store.uri.split('/').at(-1)}/` }),
  };
}

/** An upload with two parts, ready to be completed. */
export async function begin(store: ObjectStore, key = 'k') {
  const pieces = cut(store, 2, 1_000);
  const upload = await store.createUpload(key, { metadata: { line: '1' } });
  const parts = await Promise.all([1, 2].map((number) => sendPart(store, upload, number, pieces)));
  const whole = Buffer.concat(pieces);
  const complete = (condition = ABSENT, at = store, of: Upload = upload) =>
    at.completeUpload(of, parts, commitOf(pieces, condition));
  return { upload, pieces, parts, complete, whole };
}

export function withoutEtag<T extends { headers: Record<string, unknown> }>(answer: T): T {
  const { etag: _, ...headers } = answer.headers;
  return { ...answer, headers };
}

function options(endpoint: string, more: S3ClientOptions = {}): S3ClientOptions {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, ...more };
}

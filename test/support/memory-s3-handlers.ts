/** Which function carries out which call. */
import { completeUpload } from './memory-s3-complete.ts';
import { copyPart } from './memory-s3-copy.ts';
import { type Ask, deleteObject, getObject, headObject, listObjects, putObject } from './memory-s3-objects.ts';
import { S3Problem } from './memory-s3-problem.ts';
import { Bucket } from './memory-s3-state.ts';
import { abortUpload, createUpload, listParts, listUploads, uploadPart } from './memory-s3-uploads.ts';
import type { Answer, Operation } from './store-faults-call.ts';

export type Handler = (
  ask: Omit<Ask, 'bucket'> & { bucket: Bucket | undefined; buckets: Map<string, Bucket> },
) => Answer;

const NOTHING = Buffer.alloc(0);

const onBucket =
  (handle: (ask: Ask) => Answer): Handler =>
  ({ bucket, ...ask }) => {
    if (bucket === undefined) throw new S3Problem(404, 'NoSuchBucket', 'The specified bucket does not exist');
    return handle({ ...ask, bucket });
  };

export const handlers: Readonly<Record<Operation, Handler>> = {
  put: onBucket(putObject),
  get: onBucket(getObject),
  head: onBucket(headObject),
  delete: onBucket(deleteObject),
  create: onBucket(createUpload),
  part: onBucket((ask) => (ask.headers['x-amz-copy-source'] === undefined ? uploadPart(ask) : copyPart(ask))),
  'list-parts': onBucket(listParts),
  complete: onBucket(completeUpload),
  abort: onBucket(abortUpload),
  list: onBucket(listObjects),
  'list-uploads': onBucket(listUploads),
  'head-bucket': onBucket(() => ({ status: 200, headers: {}, body: NOTHING })),
  'create-bucket': ({ buckets, call }) => {
    if (buckets.has(call.bucket)) throw new S3Problem(409, 'BucketAlreadyOwnedByYou', 'You own it.');
    buckets.set(call.bucket, new Bucket(call.bucket));
    return { status: 200, headers: { location: `/${call.bucket}` }, body: NOTHING };
  },
  other: () => {
    throw new S3Problem(501, 'NotImplemented', 'The memory S3 does not know this call.');
  },
};

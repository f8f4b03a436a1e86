import { resolve } from 'node:path';
import type { ObjectStore } from '../store/object-store.ts';
import { openStore } from '../store/open-store.ts';
import { createS3Client, type S3ClientOptions } from '../store/s3-client.ts';
import { parseS3Uri } from '../store/s3-uri.ts';

/** Servers that are not AWS take any region, but a signature needs one. */
const ANY_REGION = 'us-east-1';

export interface Destination {
  readonly store: ObjectStore;
  /** What stands before every key in its bucket; it takes of the 1,024 bytes of a key. */
  readonly prefix: string;
  /** A key cannot be the folder of another one. */
  readonly isDirectory: boolean;
}

/** @throws SkyhaulError `BatchInvalid`; nothing is asked or made yet */
export function openDestination(to: string, s3: S3ClientOptions = {}): Destination {
  const isS3 = to.startsWith('s3://');
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(to);
  const region = s3.region ?? (s3.endpoint === undefined ? undefined : ANY_REGION);
  const makeClient = () => createS3Client({ ...s3, ...(region !== undefined && { region }) });
  return {
    // What has another scheme is refused there, by its name.
    store: openStore(hasScheme ? to : resolve(to), makeClient),
    prefix: isS3 ? parseS3Uri(to).prefix : '',
    isDirectory: !isS3,
  };
}

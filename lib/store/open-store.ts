import type { S3Client } from '@aws-sdk/client-s3';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { openLocalStore } from './local-store.ts';
import type { ObjectStore } from './object-store.ts';
import { openS3Store } from './s3-store.ts';
import { parseS3Uri } from './s3-uri.ts';

/** `to`: s3://bucket/prefix, or the path of a directory. Throws BatchInvalid; touches neither yet. */
export function openStore(to: string, makeClient: () => S3Client): ObjectStore {
  if (to.startsWith('s3://')) return openS3Store({ ...parseS3Uri(to), client: makeClient() });
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(to)?.[1];
  if (scheme !== undefined) {
    throw new SkyhaulError('BatchInvalid', `A destination is s3://bucket/prefix or a directory, found ${scheme}://….`);
  }
  if (to === '' || to.includes('\0')) throw new SkyhaulError('BatchInvalid', 'The destination is not a path.');
  return openLocalStore(to);
}

import { Token } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { BucketFolder } from './props.ts';

/** A folder of a bucket as grants and settings need it. */
export interface Folder {
  readonly bucket: IBucket;
  /** Empty for the whole bucket, else with a slash at its end. */
  readonly prefix: string;
  readonly key: IKey | undefined;
}

/** Below `lib/ledger/run-keys.ts`, everything of a run stands in here. */
export const STATE_PREFIX = 'runs/';
export const DATA_PREFIX = 'data/';

/** Not `*`, `?` and `$`, which mean something in a policy, nor what separates the items of a setting. */
const SEGMENT = /^[\w!'().=+@-]+$/;

/** Throws when the prefix is no folder, or has signs that a policy would read as wildcards. */
export function folderOf(prop: string, { bucket, prefix = '' }: BucketFolder): Folder {
  const key = bucket.encryptionKey;
  if (Token.isUnresolved(prefix)) return { bucket, prefix: `${prefix}/`, key };
  const folder = prefix.replace(/\/$/, '');
  if (folder === '') return { bucket, prefix: '', key };
  const isFolder = folder.split('/').every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..');
  if (isFolder) return { bucket, prefix: `${folder}/`, key };
  throw new Error(
    `${prop}: prefix must be folder names of letters, digits and !'().=+@_- with slashes between them, got '${prefix}'`,
  );
}

/** As batches and settings write it. */
export function uriOf({ bucket, prefix }: Folder): string {
  return `s3://${bucket.bucketName}/${prefix}`.replace(/\/$/, '');
}

/** Whether a folder holds or lies within the state of runs, where only Skyhaul itself may write. */
export function touchesState({ bucket, prefix }: Folder, own: IBucket): boolean {
  const isOwn = bucket === own || bucket.bucketName === own.bucketName;
  return isOwn && (prefix.startsWith(STATE_PREFIX) || prefix === '');
}

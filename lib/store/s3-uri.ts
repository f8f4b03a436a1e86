/** `s3://bucket/prefix` as people write it. Pure; everything else throws BatchInvalid and says what is wrong. */
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { checkS3Key } from './key-rules.ts';

export interface S3Location {
  readonly bucket: string;
  /** Empty, or ends in a slash: keys are appended as they are. */
  readonly prefix: string;
}

/** General purpose buckets (user guide, "Bucket naming rules"). */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export function parseS3Uri(uri: string): S3Location {
  const match = /^s3:\/\/([^/]*)(?:\/(.*))?$/s.exec(uri);
  if (match === null) throw invalid('is not of the form s3://bucket/prefix');
  const [, bucket = '', path = ''] = match;
  // User info and signed queries are credentials: they are refused and not shown.
  if (/[@:]/.test(bucket)) throw invalid('has user info or a port in the place of a bucket');
  if (/[?#]/.test(uri)) throw invalid('holds "?" or "#", which have no meaning in an S3 address');
  if (bucket === '') throw invalid('names no bucket');
  if (!BUCKET.test(bucket)) {
    const rule = '3 to 63 lower case letters, digits, dots and hyphens, at both ends a letter or a digit';
    throw invalid(`has ${JSON.stringify(bucket)} for a bucket; a bucket name is ${rule}`);
  }
  const folder = path.replace(/\/$/, '');
  if (folder === '') return { bucket, prefix: '' };
  try {
    checkS3Key(folder, '');
  } catch (error) {
    throw invalid(`has a prefix that is no key: ${error instanceof Error ? error.message : ''}`);
  }
  return { bucket, prefix: `${folder}/` };
}

/** The form in which a location is shown; parses back to the same. */
export function formatS3Uri({ bucket, prefix }: S3Location): string {
  return `s3://${bucket}/${prefix}`.replace(/\/$/, '');
}

function invalid(why: string): SkyhaulError {
  return new SkyhaulError('BatchInvalid', `The S3 address ${why.replace(/\.$/, '')}.`);
}

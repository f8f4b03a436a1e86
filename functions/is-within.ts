import { parseS3Uri } from '../lib/store/s3-uri.ts';

/**
 * Whether an S3 address is one of the allowed ones or lies below it. Prefixes are compared by whole segments: `data`
 * allows `data/x` and not `database`. Throws BatchInvalid for what is no S3 address.
 */
export function isWithin(uri: string, allowed: readonly string[]): boolean {
  const asked = parseS3Uri(uri);
  return allowed.map(parseS3Uri).some(({ bucket, prefix }) => {
    // A prefix ends in a slash, so that a beginning is a folder.
    return asked.bucket === bucket && asked.prefix.startsWith(prefix);
  });
}

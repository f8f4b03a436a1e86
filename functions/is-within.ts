/**
 * Whether an S3 address is one of the allowed ones or lies below it. Prefixes are compared by whole segments: `data`
 * allows `data/x` and not `database`. Only plain addresses are ever within: an empty, `.` or `..` segment is none.
 */
export function isWithin(uri: string, allowed: readonly string[]): boolean {
  const segments = segmentsOf(uri);
  if (!segments) return false;
  return allowed.some((candidate) => {
    const above = segmentsOf(candidate);
    return above !== undefined && above.every((segment, i) => segment === segments[i]);
  });
}

/** Bucket first. */
function segmentsOf(uri: string): string[] | undefined {
  if (!uri.startsWith('s3://')) return undefined;
  const segments = uri.slice('s3://'.length).replace(/\/$/, '').split('/');
  return segments.some((segment) => ['', '.', '..'].includes(segment)) ? undefined : segments;
}

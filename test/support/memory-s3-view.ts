/** What tests see of the memory S3. Sizes are of decoded bodies. */
import type { Bucket, MemoryObject } from './memory-s3-state.ts';
import type { Operation } from './store-faults-call.ts';

export interface LoggedCall {
  readonly operation: Operation;
  readonly bucket: string;
  readonly key: string;
  readonly part: number | undefined;
  bytes: number;
  /** What S3 answered each time it carried the call out, whatever the client was told. */
  readonly statuses: number[];
}

export interface SeenObject {
  readonly bucket: string;
  readonly key: string;
  readonly bytes: number;
  readonly crc32: number;
  /** Hex, without quotes. */
  readonly etag: string;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** User metadata. */
  readonly metadata: Readonly<Record<string, string>>;
}

interface SeenUpload {
  readonly bucket: string;
  readonly key: string;
  readonly id: string;
  readonly parts: number;
  readonly bytes: number;
}

export interface Summary {
  readonly counts: Partial<Record<Operation, number>>;
  readonly objects: readonly SeenObject[];
  readonly uploads: readonly SeenUpload[];
  readonly bytesStored: number;
  readonly bytesReceived: number;
}

export interface MemoryS3View {
  /** In the order in which they came, retries and spoiled ones included. */
  readonly calls: readonly LoggedCall[];
  count(operation: Operation): number;
  objects(): SeenObject[];
  /** Every object that ever became visible, replaced and deleted ones included, in order within a bucket. */
  commits(): SeenObject[];
  /** Of an object whose bytes are kept. */
  bytesOf(bucket: string, key: string): Buffer | undefined;
  /** The open ones. */
  uploads(): SeenUpload[];
  /** Objects and the parts of open uploads. */
  bytesStored(): number;
  summary(): Summary;
}

export function viewOf(buckets: ReadonlyMap<string, Bucket>, calls: readonly LoggedCall[]): MemoryS3View {
  const all = <T>(of: (bucket: Bucket) => Iterable<T>) => [...buckets.values()].flatMap((bucket) => [...of(bucket)]);
  const view: MemoryS3View = {
    calls,
    count: (operation) => calls.filter((call) => call.operation === operation).length,
    objects: () => all((bucket) => bucket.sortedKeys().flatMap((key) => see(bucket, bucket.objects.get(key)))),
    commits: () => all((bucket) => bucket.commits.flatMap((object) => see(bucket, object))),
    bytesOf(bucket, key) {
      const pieces = buckets.get(bucket)?.objects.get(key)?.pieces;
      return pieces && Buffer.concat(pieces);
    },
    uploads: () =>
      all(({ name, uploads }) =>
        [...uploads.values()].map(({ key, id, parts }) => {
          const bytes = [...parts.values()].reduce((sum, part) => sum + part.bytes, 0);
          return { bucket: name, key, id, parts: parts.size, bytes };
        }),
      ),
    bytesStored: () => sumBytes(view.objects()) + sumBytes(view.uploads()),
    summary() {
      const counts: Partial<Record<Operation, number>> = {};
      for (const { operation } of calls) counts[operation] = (counts[operation] ?? 0) + 1;
      const [objects, uploads] = [view.objects(), view.uploads()];
      return { counts, objects, uploads, bytesStored: view.bytesStored(), bytesReceived: sumBytes(calls) };
    },
  };
  return view;
}

function sumBytes(things: readonly { readonly bytes: number }[]): number {
  return things.reduce((sum, { bytes }) => sum + bytes, 0);
}

function see(bucket: Bucket, object: MemoryObject | undefined): SeenObject[] {
  if (object === undefined) return [];
  const { key, bytes, crc32, etag, headers } = object;
  const metadata = Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith('x-amz-meta-') ? [[name.slice('x-amz-meta-'.length), value]] : [],
  );
  const type = { contentType: headers['content-type'], contentEncoding: headers['content-encoding'] };
  return [{ bucket: bucket.name, key, bytes, crc32, etag, ...type, metadata: Object.fromEntries(metadata) }];
}

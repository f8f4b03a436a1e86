import { link, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { ObjectStore } from '../../lib/store/object-store.ts';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import type { Place } from './crash-job.ts';
import { startMemoryS3 } from './memory-s3.ts';
import { keysOf } from './store-bytes.ts';

/** Where a run stores, seen from outside its processes. */
export interface CrashPlace {
  readonly place: Place;
  /** What a batch calls it. */
  readonly to: string;
  readonly destination: ObjectStore;
  readonly state: ObjectStore;
  bytesOf(key: string): Promise<Buffer | undefined>;
  /** Every object that was ever visible, where the place remembers. */
  history(): { readonly key: string; readonly bytes: number; readonly crc32: number }[];
  /** Keys of open uploads. */
  uploads(): Promise<string[]>;
  /** What a crash may leave until the next day, when the store sweeps it up: not there any more then. */
  leftAfterADay(): Promise<string[]>;
  close(): Promise<void>;
}

export function openCrashPlace(kind: Place['kind']): Promise<CrashPlace> {
  return kind === 'local' ? openLocal() : openS3();
}

async function openLocal(): Promise<CrashPlace> {
  const root = await mkdtemp(join(tmpdir(), 'skyhaul-crash-'));
  const destination = openLocalStore(root);
  return {
    place: { kind: 'local', root },
    to: root,
    destination,
    state: openLocalStore(join(root, '.skyhaul')),
    bytesOf: (key) => readFile(join(root, key)).catch(() => undefined),
    history: () => [],
    uploads: () => keysOf(destination.listUploads('')),
    async leftAfterADay() {
      const left: string[] = [];
      for (const folder of [root, join(root, '.skyhaul')]) {
        const tomorrow = openLocalStore(folder, { now: () => Date.now() + 25 * 3_600_000, link });
        await tomorrow.abortUpload(await tomorrow.createUpload('sweeps', {}));
        left.push(...(await readdir(join(folder, '.skyhaul', 'tmp'))));
      }
      return left;
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

async function openS3(): Promise<CrashPlace> {
  const s3 = await startMemoryS3({ buckets: ['data', 'state'] });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = createS3Client({ endpoint: s3.endpoint, region: 'us-east-1', credentials });
  const open = (bucket: string) => openS3Store({ client, bucket, prefix: '' });
  const destination = open('data');
  const state = open('state');
  return {
    place: { kind: 's3', endpoint: s3.endpoint },
    to: 's3://data',
    destination,
    state,
    bytesOf: (key) => Promise.resolve(s3.bytesOf('data', key)),
    history: () => s3.commits().filter(({ bucket }) => bucket === 'data'),
    uploads: () => Promise.resolve(s3.uploads().map(({ key }) => key)),
    leftAfterADay: () => Promise.resolve([]),
    async close() {
      await destination.close();
      await state.close();
      await s3.close();
    },
  };
}

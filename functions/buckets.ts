import type { ObjectStore } from '../lib/store/object-store.ts';
import { createS3Client } from '../lib/store/s3-client.ts';
import { openS3Store } from '../lib/store/s3-store.ts';
import { parseS3Uri } from '../lib/store/s3-uri.ts';

/**
 * The S3 stores of one invocation, all on one client. They are closed before the handler returns: a socket that a frozen
 * Lambda keeps is dead when it is woken.
 */
export interface Buckets {
  /** Throws BatchInvalid. Connects to nothing yet. */
  readonly open: (uri: string) => ObjectStore;
  readonly close: () => Promise<void>;
}

export function openBuckets(): Buckets {
  const client = createS3Client();
  const opened: ObjectStore[] = [];
  return {
    open(uri) {
      const store = openS3Store({ ...parseS3Uri(uri), client });
      opened.push(store);
      return store;
    },
    async close() {
      for (const store of opened) await store.close();
    },
  };
}

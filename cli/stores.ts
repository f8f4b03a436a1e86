import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { openStore } from '../lib/store/open-store.ts';
import { createS3Client } from '../lib/store/s3-client.ts';

/**
 * Opens destinations, run state and lists in S3 with one client, made when the first s3:// address asks for it. Closing
 * ends whatever was opened here and is still open.
 */
export interface Stores {
  /** Throws BatchInvalid. */
  open(uri: string): ObjectStore;
  close(): Promise<void>;
}

export interface S3Address {
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
}

/** Servers that are not AWS take any region, but a signature needs one. */
const ANY_REGION = 'us-east-1';

export function openStores({ endpoint, region }: S3Address): Stores {
  const opened: ObjectStore[] = [];
  let client: S3Client | undefined;
  const makeClient = () => {
    client ??= createS3Client({ endpoint, region: regionOf({ endpoint, region }) });
    return client;
  };
  return {
    open(uri) {
      const store = openStore(uri, makeClient);
      opened.push(store);
      return store;
    },
    async close() {
      for (const store of opened.splice(0)) await store.close();
    },
  };
}

/** `undefined`: as the SDK finds it. */
export function regionOf({ endpoint, region }: S3Address): string | undefined {
  return region ?? (endpoint === undefined ? undefined : (process.env.AWS_REGION ?? ANY_REGION));
}

const isS3 = (to: string) => to.startsWith('s3://');

/** Where a destination that was named on the command line is: s3:// as it stands, else an absolute path. */
export function destinationOf(to: string, cwd: string): string {
  return isS3(to) ? to : resolve(cwd, to);
}

/** A directory need not exist yet, but nothing on the way to it may be a file. Throws BatchInvalid. */
export async function requireDirectory(destination: string): Promise<void> {
  if (isS3(destination)) return;
  for (let at = destination; ; at = dirname(at)) {
    const found = await stat(at).catch(() => undefined);
    if (found?.isDirectory() || at === dirname(at)) return;
    if (found) throw new SkyhaulError('BatchInvalid', `--to ${destination}: ${at} is not a directory`);
  }
}

/** In-process, the state of the runs lies beside the data it is about. */
export function stateOf(destination: string): string {
  return isS3(destination) ? `${destination.replace(/\/+$/, '')}/.skyhaul` : join(destination, '.skyhaul');
}

import { join, resolve } from 'node:path';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { openStore } from '../lib/store/open-store.ts';
import { createS3Client } from '../lib/store/s3-client.ts';

/** Opens destinations, run state and lists in S3 with one client, made when the first s3:// address asks for it. */
export interface Stores {
  open(uri: string): ObjectStore;
  close(): Promise<void>;
}

export interface S3Address {
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
}

const isS3 = (to: string) => to.startsWith('s3://');

/** Where a destination that was named on the command line is: s3:// as it stands, else an absolute path. */
export function destinationOf(to: string, cwd: string): string {
  return isS3(to) ? to : resolve(cwd, to);
}

/** In-process, the state of the runs lies beside the data it is about. */
export function stateOf(destination: string): string {
  return isS3(destination) ? `${destination.replace(/\/+$/, '')}/.skyhaul` : join(destination, '.skyhaul');
}

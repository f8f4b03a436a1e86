/** The engine's surroundings as in a Lambda of some size, with an S3 of the tests instead of the real one. */
import { setDefaultCACertificates } from 'node:tls';
import type { RunContext, RunEvent } from '../../lib/run-context.ts';
import type { ObjectStore, StoreLimits } from '../../lib/store/object-store.ts';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { parseS3Uri } from '../../lib/store/s3-uri.ts';

export const BUCKET = 'bucket';
export const TO = `s3://${BUCKET}/data`;
/** The part of the bucket whose bytes a sink need not keep. */
export const UNDER = 'data/';

/** Survives JSON. */
export interface Surroundings {
  /** Of the S3. */
  readonly endpoint: string;
  /** PEM; what it is to be trusted by. */
  readonly ca?: string;
  readonly memoryBytes: number;
  /** Other limits than S3's: few parts make large ones. */
  readonly limits?: Partial<StoreLimits>;
}

export function memoryContext(given: Surroundings, attempt: string, emit: (event: RunEvent) => void): RunContext {
  const { endpoint, ca, memoryBytes, limits } = given;
  if (ca !== undefined) setDefaultCACertificates([ca]);
  const client = createS3Client({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const open = (uri: string) => openS3Store({ ...parseS3Uri(uri), client });
  return {
    state: open(`s3://${BUCKET}/state`),
    openDestination: (to) => (limits === undefined ? open(to) : limited(open(to), limits)),
    openManifest: () => Promise.reject(new Error('no manifest here')),
    now: Date.now,
    random: Math.random,
    signal: new AbortController().signal,
    deadline: undefined,
    attempt,
    memoryBytes,
    inProcess: false,
    allowNetworks: ['127.0.0.0/8'],
    maxShards: 40,
    concurrency: { default: 4, ceiling: 40 },
    owner: { execution: 'execution-1' },
    isAlive: () => Promise.resolve(true),
    emit,
  };
}

/** A store that claims other limits. */
function limited(store: ObjectStore, limits: Partial<StoreLimits>): ObjectStore {
  const claimed = { ...store.limits, ...limits };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'limits') return claimed;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

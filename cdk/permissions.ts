import { DATA_PREFIX, type Folder, STATE_PREFIX } from './folder.ts';
import type { Permission } from './permit.ts';

/**
 * What each function may do in S3, and nothing else: exactly the calls its code makes. Objects are granted by prefix, in
 * buckets of the account that was named, keys only through S3 and only for these buckets.
 *
 * Where names may be listed, S3 answers 404 for a key that is missing, else 403. The key counts as `s3:prefix` in that
 * decision (ceph/ceph#68577, kopia/kopia#3072), so the permission to list is limited to the prefix as well.
 */
export interface Places {
  /** The bucket of run state, without a prefix. */
  readonly own: Folder;
  readonly destinations: readonly Folder[];
  readonly manifestSources: readonly Folder[];
  /** Batches may give their objects tags. */
  readonly tags?: boolean;
}

const READ = ['s3:GetObject'];
/** Reports and status are streams, which become multipart uploads when they are long. */
const WRITE = ['s3:PutObject', 's3:AbortMultipartUpload'];

/**
 * Reads lists, writes run state, looks whether a destination is there, and at the end of a run aborts what is still open
 * of it. It can write no object outside `runs/`.
 */
export function planPermissions({ own, destinations, manifestSources }: Places): readonly Permission[] {
  return [
    ...objects(own, `${STATE_PREFIX}*`, [...READ, ...WRITE], 'the state of all runs'),
    names(within(own, STATE_PREFIX)),
    ...manifestSources.flatMap((folder) => [
      ...objects(folder, `${folder.prefix}*`, READ, 'any list in this folder may be asked for'),
      names(folder),
    ]),
    ...destinations.map(names),
    ...endOfUploads(destinations),
  ];
}

/** Alone creates, fills and completes uploads of data. Of run state it writes the ledger. It deletes nothing. */
export function transferPermissions({ own, destinations, tags = false }: Places): readonly Permission[] {
  return [
    ...objects(own, `${STATE_PREFIX}*`, READ, 'the state of all runs'),
    ...objects(own, `${STATE_PREFIX}*/ledger/*`, ['s3:PutObject'], 'the ledgers of all runs'),
    names(within(own, STATE_PREFIX)),
    ...destinations.flatMap((folder) => [
      ...objects(
        folder,
        `${folder.prefix}*`,
        [...READ, ...WRITE, 's3:ListMultipartUploadParts', ...(tags ? ['s3:PutObjectTagging'] : [])],
        'any key in this folder may be asked for',
      ),
      names(folder),
    ]),
  ];
}

/** Reads and writes run state only. */
export function reportPermissions({ own }: Pick<Places, 'own'>): readonly Permission[] {
  return [
    ...objects(own, `${STATE_PREFIX}*`, [...READ, ...WRITE], 'the state of all runs'),
    names(within(own, STATE_PREFIX)),
  ];
}

/** Finds and aborts open uploads, then writes the report. */
export function janitorPermissions({ own, destinations }: Places): readonly Permission[] {
  return [...reportPermissions({ own }), ...endOfUploads(destinations)];
}

/**
 * The conditions for listing uploads have no prefix; what is aborted is limited to the destinations by its resource, and
 * to our own uploads by the code.
 */
function endOfUploads(destinations: readonly Folder[]): readonly Permission[] {
  return destinations.flatMap((folder) => [
    {
      actions: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
      resources: [folder.bucket.arnForObjects(`${folder.prefix}*`)],
      conditions: { StringEquals: ofAccount(folder) },
      wildcard: 'any key in this folder may have been asked for',
    },
    {
      actions: ['s3:ListBucketMultipartUploads'],
      resources: [folder.bucket.bucketArn],
      conditions: { StringEquals: ofAccount(folder) },
    },
  ]);
}

/** The distributed Map reads its items with the state machine's role; CDK grants nothing for a bucket from a path. */
export function itemReaderPermissions({ own }: Places): readonly Permission[] {
  return objects(own, `${STATE_PREFIX}*/rounds/*/shards.json`, READ, 'the shards of each round of all runs');
}

/** Where lists may be read from without being named: all of a bucket that is ours alone, our folders of any other. */
export function ownSources(own: Folder, isOursAlone: boolean): readonly Folder[] {
  return isOursAlone ? [own] : [within(own, STATE_PREFIX), within(own, DATA_PREFIX)];
}

export function within({ bucket, key }: Folder, prefix: string): Folder {
  return { bucket, prefix, key };
}

function objects(folder: Folder, keys: string, actions: readonly string[], wildcard: string): readonly Permission[] {
  const { bucket } = folder;
  const conditions = { StringEquals: ofAccount(folder) };
  return [
    { actions, resources: [bucket.arnForObjects(keys)], conditions, wildcard },
    ...useOfKey(folder, actions.includes('s3:PutObject')),
  ];
}

function names(folder: Folder): Permission {
  const { bucket, prefix } = folder;
  const isWhole = prefix === '';
  const conditions = {
    StringEquals: ofAccount(folder),
    ...(!isWhole && { StringLike: { 's3:prefix': `${prefix}*` } }),
  };
  return { actions: ['s3:ListBucket'], resources: [bucket.bucketArn], conditions };
}

function ofAccount({ bucket }: Folder) {
  return { 's3:ResourceAccount': bucket.env.account };
}

/** Multipart uploads need Decrypt, too. With a bucket key the context is the bucket's ARN, else the object's. */
function useOfKey({ bucket, key }: Folder, writes: boolean): readonly Permission[] {
  if (!key) return [];
  const conditions = {
    StringEquals: { 'kms:ViaService': `s3.${bucket.env.region}.amazonaws.com` },
    StringLike: { 'kms:EncryptionContext:aws:s3:arn': [bucket.bucketArn, bucket.arnForObjects('*')] },
  };
  return [
    { actions: ['kms:Decrypt', ...(writes ? ['kms:GenerateDataKey'] : [])], resources: [key.keyArn], conditions },
  ];
}

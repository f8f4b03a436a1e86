/**
 * The destination, and where the state of a run lives. Two implementations, S3 and a local directory, pass one
 * conformance suite. Errors are SkyhaulErrors (`Store…`, `CommitConflict`, `ChecksumRefused`, `UploadLost`,
 * `KeyRefused`); a missing object is `undefined`, not an error. Nothing retries here beyond what the SDK does.
 */
export interface ObjectStore {
  /** s3://bucket/prefix, or the absolute path of the directory. */
  readonly uri: string;
  readonly limits: StoreLimits;
  /** Counted since the store was opened. */
  readonly requests: { put: number; get: number };

  /** URI of an object, to show to people. */
  uriOf(key: string): string;
  head(key: string): Promise<StoredObject | undefined>;
  get(key: string): Promise<{ readonly object: StoredObject; readonly body: AsyncIterable<Uint8Array> } | undefined>;
  /** Keys below a prefix, in UTF-8 byte order, relative to the store like every key; those behind `after` only. */
  list(prefix: string, after?: string): AsyncIterable<StoredKey>;
  /** One object in one request. `crc32` is checked by the store against what it received. */
  put(key: string, bytes: Uint8Array, options: PutOptions & { readonly crc32: number }): Promise<StoredObject>;
  /** For our own streams of unknown length (report, failed list). Never for the bytes of a source. */
  putStream(key: string, body: AsyncIterable<Uint8Array>, options: PutOptions): Promise<void>;
  /** Removes an object of our own state; missing is fine. */
  delete(key: string): Promise<void>;

  createUpload(key: string, options: ObjectOptions): Promise<Upload>;
  /** Part numbers are 1..n without gaps. Uploading a number again replaces the part. */
  uploadPart(
    upload: Upload,
    number: number,
    bytes: Uint8Array,
    crc32: number,
    signal?: AbortSignal,
  ): Promise<StoredPart>;
  /**
   * The same, of exactly `bytes` bytes that are not in memory. CRC32 is taken on the way and checked by the store. Never
   * sent twice: whoever calls can make the bytes anew. Rejects with the body's own error when it fails, ends early or
   * brings more; then no such part exists, or the earlier one still does.
   */
  streamPart(
    upload: Upload,
    number: number,
    bytes: number,
    body: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<StoredPart>;
  /**
   * The same, of bytes that an object of this store holds: they do not pass through here. `undefined`, and no such part,
   * where it stands no longer as `source` says, or where the store cannot tell the CRC32 of what it copied.
   */
  copyPart(upload: Upload, number: number, source: CopySource, signal?: AbortSignal): Promise<StoredPart | undefined>;
  /** What the upload holds, by number; parts whose CRC32 the store does not know are left out. Throws UploadLost. */
  listParts(upload: Upload): Promise<StoredPart[]>;
  /** The only act that makes an object visible. Checks part list, size and full-object CRC32 before it does. */
  completeUpload(upload: Upload, parts: readonly StoredPart[], commit: Commit): Promise<StoredObject>;
  /** Resolves when no part is left; aborting an upload that is gone is fine. */
  abortUpload(upload: Upload): Promise<void>;
  listUploads(prefix: string): AsyncIterable<OpenUpload>;
  /** Ends sockets and file handles. The store is not used afterwards. */
  close(): Promise<void>;
}

export interface StoreLimits {
  readonly minPartBytes: number;
  readonly maxPartBytes: number;
  readonly maxParts: number;
  readonly maxObjectBytes: number;
  /** Of a part, where the object needs no larger ones. @default 8 MiB */
  readonly usualPartBytes?: number;
}

export interface StoredKey {
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** Opaque; changes with every write. */
  readonly etag: string;
  /** Full-object CRC32, when the store knows it. */
  readonly crc32: number | undefined;
  readonly contentType: string | undefined;
  /** None: its bytes are what they are. */
  readonly contentEncoding?: string | undefined;
  /** Nobody can read or copy it before it is restored. */
  readonly isArchived?: boolean;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ObjectOptions {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  /** Names in lower case, values ASCII, at most 2 KiB together. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** In S3 only, like all that follow: a directory has no such thing, and leaves them out. */
  readonly cacheControl?: string;
  readonly storageClass?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly kmsKeyId?: string;
}

export interface PutOptions extends ObjectOptions {
  readonly condition: Condition;
  /** Holds credentials: on disk mode 0600, on S3 the bucket's encryption and our roles only. */
  readonly sealed?: boolean;
}

/** `absent`: If-None-Match: *. `matches`: If-Match. `any` is for our own run state only, never for data. */
export type Condition =
  | { readonly kind: 'absent' }
  | { readonly kind: 'matches'; readonly etag: string }
  | { readonly kind: 'any' };

export interface Upload {
  readonly key: string;
  readonly id: string;
}

export interface OpenUpload extends Upload {
  /** Epoch milliseconds. */
  readonly initiatedAt: number;
  /** Who began it, as the store names them. */
  readonly initiator?: string;
}

export interface StoredPart {
  readonly number: number;
  readonly bytes: number;
  readonly crc32: number;
  readonly etag: string;
}

/** Some of the bytes of an object, as long as it is that version. */
export interface CopySource {
  readonly key: string;
  readonly etag: string;
  readonly from: number;
  readonly bytes: number;
}

export interface Commit {
  readonly bytes: number;
  /** Of the whole object, combined from the parts' CRCs. */
  readonly crc32: number;
  readonly condition: Condition;
}

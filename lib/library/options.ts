import type { z } from 'zod';
import type { item } from '../contract/item.ts';
import type { RequestOptions } from '../contract/request.ts';
import type { StepSpec } from '../contract/transform.ts';
import type { BodyStream } from '../source/outgoing-body.ts';
import type { OpenBody } from '../source/streamed-body.ts';
import type { S3ClientOptions } from '../store/s3-client.ts';
import type { ProgressListener } from './progress.ts';

/** One step of a transform: its name, or its name with options. Those that are left out have their defaults. */
export type TransformStep = Exclude<StepSpec['name'], 'decode'> | StepObject<StepSpec>;
type StepObject<S> = S extends { readonly name: 'decode' } ? Readonly<S> : S extends StepSpec ? WithDefaults<S> : never;
type WithDefaults<S extends StepSpec> = { readonly name: S['name'] } & {
  readonly [K in Exclude<keyof S, 'name'>]?: S[K] extends readonly (infer E)[] | undefined ? readonly E[] : S[K];
};

/** An item of a list, with the names it has there: `docs/schemas/item.schema.json`. */
export type ItemFields = Readonly<Omit<z.input<typeof item>, 'transform' | 'error' | 'body'>> & {
  readonly transform?: readonly TransformStep[] | undefined;
  /** What is sent along, as in a list, or as a stream. */
  readonly body?: z.input<typeof item>['body'] | StreamBody;
};

/**
 * A body that is sent while it is being made: bytes, or texts that go as UTF-8. A stream is sent once; what fails behind
 * its first byte is not tried again. A function is called for every try and opens the body anew. With `bytes`, its
 * Content-Length, more or fewer of them fail as `SizeMismatch`.
 */
export type StreamBody =
  | BodyStream
  | OpenBody
  | { readonly stream: BodyStream | OpenBody; readonly bytes?: number | undefined };

/** A URL, or an item with everything that can be said of it. */
export type ItemInput = string | URL | ItemFields;

/** How sources are read. */
export interface SourceOptions {
  /** Ends everything at once: sockets are closed, uploads aborted, and the call rejects with `Interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * CIDRs, such as `10.1.0.0/16`, that may be reached beside the public addresses.
   * @default []
   */
  readonly allowNetworks?: readonly string[] | undefined;
  /**
   * Tries of an item before it fails; receiving a MiB that can be kept gives all of them back.
   * @default 5
   */
  readonly attempts?: number | undefined;
  /**
   * Milliseconds for TCP and TLS together.
   * @default 10_000
   */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Milliseconds until the response headers.
   * @default 30_000
   */
  readonly headersTimeoutMs?: number | undefined;
  /**
   * Longest pause, in milliseconds, between two pieces of a body that is being read.
   * @default 30_000
   */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * Over a window of 60 s in which the reader does not wait; 0 turns it off.
   * @default 1_024
   */
  readonly minBytesPerSecond?: number | undefined;
  /**
   * Milliseconds for a whole item.
   * @default none
   */
  readonly timeoutMs?: number | undefined;
  /** @default 10 */
  readonly maxRedirects?: number | undefined;
  /**
   * Of one source; a larger one fails as `TooLarge`.
   * @default 48.8 TiB
   */
  readonly maxBytes?: number | undefined;
  /** How every source is asked; what an item says stands above it. */
  readonly request?: RequestOptions | undefined;
  /**
   * Obeys the robots.txt of every host (RFC 9309) and the delay it asks for, up to 10 s; read once in a call. What it
   * forbids fails as `RobotsDisallowed`.
   * @default false
   */
  readonly robots?: boolean | undefined;
  /** Steps between the source and whoever gets its bytes, first to last. */
  readonly transform?: readonly TransformStep[] | undefined;
  /** Called where an item stands now. What it throws fails the item as `TransformFailed`. */
  readonly onProgress?: ProgressListener | undefined;
  /**
   * Least time, in milliseconds, between two progress events of an item whose state does not change.
   * @default 250
   */
  readonly progressIntervalMs?: number | undefined;
}

/** What an item may say about one source, given beside its URL. */
type AboutSource = Pick<
  ItemFields,
  'headers' | 'method' | 'body' | 'auth' | 'range' | 'size' | 'sha256' | 'md5' | 'crc32c' | 'expect' | 'backend'
>;
type AboutObject = Pick<ItemFields, 'key' | 'id' | 'contentType' | 'metadata' | 'result'>;

export interface StreamOptions extends SourceOptions, AboutSource {
  /**
   * Size of every piece that the reader sees; the last one may be smaller.
   * @default as the connection delivers them, so that nothing waits: 16 to 64 KiB when the source is fast
   */
  readonly chunkBytes?: number | undefined;
}

/** Where objects go. */
export interface StoreOptions {
  /** `s3://bucket/prefix`, or a directory, which is made if it is not there. */
  readonly to: string;
  /** Of destinations in S3. What is not given is found as the AWS SDK finds it. */
  readonly s3?: S3ClientOptions | undefined;
  /**
   * What happens where an object stands already: `never` keeps it, `if-changed` replaces it by other bytes only, `always`
   * replaces it.
   * @default 'if-changed'
   */
  readonly overwrite?: 'never' | 'if-changed' | 'always' | undefined;
  /**
   * Bytes of the buffers that parts are collected in, of all items together; at least 16 MiB.
   * @default 16 MiB for each transfer at once
   */
  readonly memoryBytes?: number | undefined;
}

/** Which bytes `onChunk` gets. */
export interface ChunkPlace {
  readonly line: number;
  readonly id?: string;
  /** Without user info, query and fragment. */
  readonly url: string;
  readonly key: string;
  /** Of the first byte of the chunk. 0 begins the item, and begins it anew where the source changed meanwhile. */
  readonly offset: number;
}

/**
 * Gets the bytes of a source, as they come, before any transform: each byte once and in order. The chunk is a copy. The
 * item waits for a promise that is returned; what is thrown fails the item, and only it, as `TransformFailed`.
 */
export type ChunkListener = (chunk: Uint8Array, place: ChunkPlace) => void | Promise<void>;

interface WritingOptions extends SourceOptions, StoreOptions {
  readonly onChunk?: ChunkListener | undefined;
}

export interface DownloadOptions extends WritingOptions, AboutSource, AboutObject {}

export interface DownloadAllOptions extends WritingOptions {
  /**
   * Items at once.
   * @default 8
   */
  readonly concurrency?: number | undefined;
  /**
   * Connections to one host at once. Its other items wait, those of other hosts overtake them.
   * @default 6
   */
  readonly perHostConnections?: number | undefined;
}

export interface UploadOptions extends StoreOptions, Pick<ItemFields, 'contentType' | 'metadata'> {
  /** Below `to`. */
  readonly key: string;
  /** As in `SourceOptions`. */
  readonly signal?: AbortSignal | undefined;
}

export interface LinesOptions extends StreamOptions {
  /**
   * Of the text, as in the WHATWG Encoding Standard. Bytes that are no text of it fail as `TransformFailed`.
   * @default 'utf-8'
   */
  readonly charset?: string | undefined;
  /**
   * Of one line without its end, in bytes of UTF-8; a longer one fails as `TransformFailed`.
   * @default 1 MiB
   */
  readonly maxLineBytes?: number | undefined;
}

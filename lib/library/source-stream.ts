import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { Verification } from '../contract/outcome.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { verification } from '../transfer/describe-object.ts';
import { wantedDigests } from '../transfer/digests.ts';
import { nodeStream, webStream } from './byte-stream.ts';
import type { Reading } from './reading.ts';

/**
 * The bytes of one version of a source, and what the source says of them. It is read in one of four ways, once: `body`,
 * `toNode()`, `for await`, or `lines(stream)`. Whoever does not read it to its end closes it.
 *
 * Each byte comes once and in order, through as many connections as it takes, and the end comes only when length and
 * digests are proven; otherwise reading fails with a `SkyhaulError`. What cannot be joined to bytes that were handed out
 * fails as `SourceChanged` (another version) or `ConnectionLost` (no validator, or no ranges, to go on by).
 */
export class SourceStream implements AsyncIterable<Uint8Array<ArrayBuffer>>, AsyncDisposable {
  readonly #reading: Reading;
  readonly #item: Parameters<typeof verification>[0];
  #body: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #isTaken = false;

  /** @internal see `stream()` */
  constructor(reading: Reading, item: Parameters<typeof verification>[0]) {
    this.#reading = reading;
    this.#item = item;
  }

  /** After redirects; without query, user info and fragment, which may be credentials. */
  get url(): string {
    return redactUrl(this.#reading.source.finalUrl.href);
  }

  get status(): number {
    return this.#reading.source.status;
  }

  get contentType(): string | undefined {
    return this.#reading.source.contentType;
  }

  /** Set where the source sends coded bytes although they were not asked for; they are handed out as they are. */
  get contentEncoding(): string | undefined {
    return this.#reading.source.contentEncoding;
  }

  /** Length that the source announced; undefined where it did not. Of the source, also where a transform follows. */
  get bytes(): number | undefined {
    const { framing } = this.#reading.source;
    return framing.kind === 'length' ? framing.bytes : undefined;
  }

  /** Entity tag as received, quotes and `W/` included. */
  get etag(): string | undefined {
    const { strongEtag, weakEtag } = this.#reading.source.validators;
    return strongEtag ?? weakEtag;
  }

  /** As received, an HTTP date. */
  get lastModified(): string | undefined {
    return this.#reading.source.validators.lastModified;
  }

  /** How well the bytes will be proven when the stream has ended normally, strongest first: digest, length, chunked. */
  get verified(): Verification {
    const { source } = this.#reading;
    return verification(this.#item, source, wantedDigests(this.#item, source.digests));
  }

  /** A web stream of bytes that reads no faster than its reader. Cancelling it closes the source. */
  get body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#body ??= webStream(this.#take(), () => this.close());
    return this.#body;
  }

  /** For everything that is written for Node's streams. Destroying it closes the source. */
  toNode(): Readable {
    return nodeStream(this.#take(), () => this.close());
  }

  /** Every piece is the reader's own. Leaving the loop closes the source. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    return this.#take();
  }

  /** Gives up what is not read yet; resolves when every socket is closed. Safe to call at any time, more than once. */
  close(): Promise<void> {
    return this.#reading.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take() {
    if (this.#isTaken) throw new SkyhaulError('BatchInvalid', 'the stream is being read already, or was');
    this.#isTaken = true;
    return this.#reading.pieces();
  }
}

/** A source that answered with a body worth reading. Nothing else in Skyhaul speaks HTTP. */
export interface OpenedSource {
  readonly status: number;
  /** After redirects. */
  readonly finalUrl: URL;
  readonly framing: Framing;
  readonly validators: Validators;
  readonly contentType: string | undefined;
  /** Set although `identity` was asked for: the coded bytes are the file. */
  readonly contentEncoding: string | undefined;
  /**
   * The body, each byte once. Ends normally only where the framing proves the end (or nothing can, `eof`); else throws a
   * SkyhaulError: ConnectionLost, IdleTimeout, TooSlow, ProtocolError. Chunks are never empty and are the reader's own
   * until it asks for the next one.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the connection up when the body was not read to its end. Safe to call at any time, more than once. */
  close(): Promise<void>;
}

/** How the end of a body is known (RFC 9112 6.3). `eof`: by the end of the connection, which proves nothing. */
export type Framing =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'eof' };

export interface Validators {
  /** As received, quotes included; only when strong (RFC 9110 8.8.1). */
  readonly strongEtag: string | undefined;
  readonly weakEtag: string | undefined;
  readonly lastModified: string | undefined;
}

export interface SourceRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Strong ETag of what the destination already holds: the source may answer that nothing changed. */
  readonly ifNoneMatch?: string;
  readonly signal: AbortSignal;
}

export interface SourcePolicy {
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** 0 turns the window off. */
  readonly minBytesPerSecond: number;
  readonly maxRedirects: number;
  readonly userAgent: string;
}

/** The one connection of a lane (one per host, where redirects lead to another). */
export interface SourceClient {
  /** Follows redirects; throws a SkyhaulError for everything that carries no file. */
  open(request: SourceRequest): Promise<OpenedSource | NotModified>;
  /** Resolves when every socket is closed. */
  close(): Promise<void>;
}

/** 304 to our If-None-Match. */
export interface NotModified {
  readonly status: 304;
}

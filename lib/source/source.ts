import type { WantedRange } from '../contract/byte-range.ts';
import type { Authorize } from './authorize.ts';
import type { StreamedBody } from './streamed-body.ts';
import type { Window } from './wanted-range.ts';

/** A source that answered with a body worth reading. Nothing else in Skyhaul speaks HTTP. */
export interface OpenedSource {
  readonly status: number;
  /** After redirects. */
  readonly finalUrl: URL;
  readonly framing: Framing;
  readonly validators: Validators;
  /** Last-Modified, where it cannot stand for two versions (RFC 9110 8.8.2.2). */
  readonly settled?: string | undefined;
  /**
   * By what later bytes can be told to be of this version. None: the source has no strong validator, or says that it
   * serves no ranges (`Accept-Ranges: none`); then nothing may ever be joined to these bytes.
   */
  readonly version: PinnedVersion | undefined;
  /** Digests of the whole body that the source announced. */
  readonly digests: AnnouncedDigests;
  readonly contentType: string | undefined;
  /** What the source calls the file (Content-Disposition), uncleaned. */
  readonly fileName?: string | undefined;
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

/**
 * One version of a source. Bytes of two answers may be joined only when both are of the same version. `etag` is a strong
 * entity tag; `modified` a Last-Modified that RFC 9110 8.8.2.2 makes strong, used only where there is no entity tag.
 */
export interface PinnedVersion {
  readonly etag?: string | undefined;
  readonly modified?: string | undefined;
  /** Of what is read: the whole, or the window; unknown while a body without length has not ended. */
  readonly bytes: number | undefined;
  readonly contentEncoding?: string | undefined;
  /** Only a range is read. Offsets count from its first byte, as if there were nothing else. */
  readonly window?: Window | undefined;
}

/** Lower case hexadecimal. Content-MD5 (RFC 1864), Repr-Digest (RFC 9530), x-goog-hash, x-amz-checksum-*. */
export interface AnnouncedDigests {
  readonly sha256?: string | undefined;
  readonly md5?: string | undefined;
  readonly crc32c?: string | undefined;
  readonly crc32?: string | undefined;
}

export interface SourceRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What a POST answers is no version of anything: it is never joined, and `version` is undefined. @default 'GET' */
  readonly method?: 'GET' | 'POST' | undefined;
  /** Of a POST. Goes along to redirects of the same origin that keep the method (307, 308), to no other. */
  readonly body?: Uint8Array | StreamedBody | undefined;
  /** Says who asks, for the origin of `url` only. */
  readonly authorize?: Authorize | undefined;
  /** Keeps cookies of answers for later requests of this client that say so, too. @default false */
  readonly keepsCookies?: boolean | undefined;
  readonly tls?: TlsSettings | undefined;
  /** Nothing is asked but through it, wherever redirects lead. */
  readonly proxy?: ProxySettings | undefined;
  /** Only these bytes; the source must serve them as a range. */
  readonly range?: WantedRange | undefined;
  /** ETag of what the destination already holds, strong or weak: the source may answer that nothing changed. */
  readonly ifNoneMatch?: string | undefined;
  /** Its Last-Modified, as it came (RFC 9110 13.1.3); sources that know ETags go by `ifNoneMatch` alone. */
  readonly ifModifiedSince?: string | undefined;
  /** @default 'auto' */
  readonly backend?: BackendChoice | undefined;
  readonly signal: AbortSignal;
}

/** How a connection over TLS is made; never less than TLS 1.2 with a certificate that is trusted. */
export interface TlsSettings {
  /** Trusted instead of the system's roots, PEM. */
  readonly ca?: string | undefined;
  /** PEM. Shown to the origin of the request's URL only. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string } | undefined;
  /** @default '1.2' */
  readonly minVersion?: '1.2' | '1.3' | undefined;
}

/** An HTTP proxy that every connection is a tunnel through (CONNECT), also one to an `http:` URL. */
export interface ProxySettings {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** Shown to the proxy only. */
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  /**
   * Who judges where the name of a target leads. `checked`: our own lookup, whose answers must be allowed; the proxy is
   * given the address. `proxy`: the proxy, which is given the name. Addresses in URLs are judged by us all the same.
   */
  readonly targets: 'checked' | 'proxy';
}

/** What speaks HTTP: HTTP/1.1 over undici, HTTP/2 over TLS, HTTP/1.1 over node:http. What each cannot do: docs/backends.md. */
export type BackendName = 'undici' | 'h2' | 'node';
/** `auto` is HTTP/1.1 over undici. */
export type BackendChoice = 'auto' | BackendName;

/** Asks for the bytes `from` to `to` (inclusive; none: to the end) of a version that was seen before. */
export interface ResumeRequest extends Omit<SourceRequest, 'ifNoneMatch' | 'ifModifiedSince'> {
  readonly version: PinnedVersion;
  /** Below `version.bytes`. */
  readonly from: number;
  readonly to?: number;
}

export type Resumed =
  /** Bytes `from` to `to` of the asked version; `to` may be less than was asked for, never more. */
  | { readonly kind: 'rest'; readonly source: ResumedSource }
  /** The whole instead: the source changed, or takes no ranges. A good beginning for a new object, for nothing else. */
  | { readonly kind: 'whole'; readonly why: 'changed' | 'no-ranges'; readonly source: OpenedSource }
  /** No bytes of the asked version are to be had. */
  | { readonly kind: 'changed'; readonly why: string }
  /** There is nothing after `from`: the version ended there (416 with its length). */
  | { readonly kind: 'complete' };

export interface ResumedSource extends Pick<OpenedSource, 'status' | 'finalUrl' | 'body' | 'close'> {
  readonly from: number;
  /** Inclusive. The body ends normally only behind this byte. */
  readonly to: number;
  /** The asked version, with the total that the answer gave. */
  readonly version: PinnedVersion & { readonly bytes: number };
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
  /**
   * Goes on where an earlier answer broke off, always from the original URL. What is no file throws as in `open`; bytes
   * of another version never come out as `rest`.
   */
  resume(request: ResumeRequest): Promise<Resumed>;
  /** Resolves when every socket is closed. */
  close(): Promise<void>;
}

/** 304 to our If-None-Match or If-Modified-Since. */
export interface NotModified {
  readonly status: 304;
}

/** Resolves when the URL may be asked. `delayMs`: that its robots.txt wants between two requests; 0: it wants none. */
export type MayAsk = (url: URL, delayMs: number, signal: AbortSignal) => Promise<void>;

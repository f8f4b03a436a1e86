import { announcedDigests } from './announced-digests.ts';
import type { ReceivedHead } from './check-response.ts';
import { exactBody } from './exact-body.ts';
import type { Exchange } from './exchange.ts';
import { fileNameOf } from './file-name.ts';
import { contentEncodingOf, firstOf } from './header-list.ts';
import { pinVersion, settledModified } from './pin-version.ts';
import type { Framing, OpenedSource, ResumedSource, ResumeRequest } from './source.ts';
import { readValidators } from './validators.ts';
import type { RangeDecision } from './wanted-range.ts';

/** An answer that is no redirect, its body still to be read or dropped. */
export interface Answer {
  readonly url: URL;
  readonly head: ReceivedHead;
  readonly exchange: Exchange;
}

/** The whole file. */
export function openedSource({ url, head, exchange }: Answer, framing: Framing): OpenedSource {
  return {
    status: head.status,
    finalUrl: url,
    framing,
    validators: readValidators(head.headers),
    settled: settledModified(head.headers),
    version: pinVersion(head),
    digests: announcedDigests(head),
    contentType: firstOf(head.headers, 'content-type') || undefined,
    fileName: fileNameOf(firstOf(head.headers, 'content-disposition')),
    contentEncoding: contentEncodingOf(head.headers),
    body: exchange.body,
    close: () => exchange.drop(),
  };
}

/** The range that alone was wanted, as judged: what follows counts its bytes from 0. */
export function openedRange(
  answer: Answer,
  { bytes, window }: Pick<RangeDecision & { action: 'range' }, 'bytes' | 'window'>,
): OpenedSource {
  const { head, exchange, url } = answer;
  const pinned = pinVersion(head);
  const isProven = head.framing.kind === 'length';
  return {
    ...openedSource(answer, { kind: 'length', bytes }),
    version: pinned && { ...pinned, bytes, window },
    // They are about the whole.
    digests: {},
    body: isProven ? exchange.body : exactBody(exchange.body, bytes, url.hostname),
  };
}

/** A range of it, as judged. */
export function resumedSource(
  { url, head, exchange }: Answer,
  { from, version }: ResumeRequest,
  { to: last, totalBytes }: { readonly to: number; readonly totalBytes: number },
): ResumedSource {
  const { window } = version;
  const to = last - (window?.from ?? 0);
  const isProven = head.framing.kind === 'length';
  return {
    status: head.status,
    finalUrl: url,
    from,
    to,
    version: { ...version, bytes: window === undefined ? totalBytes : (version.bytes ?? to + 1) },
    body: isProven ? exchange.body : exactBody(exchange.body, to - from + 1, url.hostname),
    close: () => exchange.drop(),
  };
}

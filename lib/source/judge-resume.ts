import type { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type AskedUrl, checkWhole, fail, type ReceivedHead } from './check-response.ts';
import type { FramingVerdict } from './framing.ts';
import { type HeaderList, valuesOf } from './header-list.ts';
import { isOfVersion, takesNoRanges } from './pin-version.ts';
import type { Framing, PinnedVersion } from './source.ts';
import { readContentRange } from './wanted-range.ts';

export interface AskedRange extends AskedUrl {
  readonly version: PinnedVersion;
  readonly from: number;
  /** Inclusive; none: to the end. */
  readonly to?: number | undefined;
  /** Asked with If-Range. */
  readonly isConditional: boolean;
}

export type ResumeDecision =
  /** `to` is inclusive. The body holds the range if it has `to - from + 1` bytes. */
  | { readonly action: 'rest'; readonly to: number; readonly totalBytes: number }
  | { readonly action: 'whole'; readonly why: 'changed' | 'no-ranges'; readonly framing: Framing }
  | { readonly action: 'changed'; readonly why: string }
  | { readonly action: 'complete' }
  /** The whole of the very version we asked a range of: only the If-Range was not understood. Ask without it. */
  | { readonly action: 'ask-plainly' }
  /** The source ends at `from`, but does not say of which version: ask for the byte before it. */
  | { readonly action: 'confirm-end' }
  | { readonly action: 'fail'; readonly error: SkyhaulError };

const changed = (why: string): ResumeDecision => ({ action: 'changed', why });

/**
 * What an answer to our Range means; never for redirects. `rest` is said only where range, total, framing, coding and
 * validator are all as they must be (RFC 9110 15.3.7.3), whatever was asked and however the source read it: If-Range
 * saves a request when the source has changed, but nothing rests on its being understood.
 */
export function judgeResume(head: ReceivedHead, asked: AskedRange): ResumeDecision {
  switch (head.status) {
    case 206:
      return judgePart(head, asked);
    case 412:
      return changed('the source is no longer the version that was begun');
    case 416:
      return judgeEnd(head.headers, asked);
    default:
      return judgeWhole(head, asked);
  }
}

function judgePart(head: ReceivedHead, asked: AskedRange): ResumeDecision {
  const { headers, framing } = head;
  const { version, from } = asked;
  if (framing.kind === 'broken') return fail(head, asked, 'ProtocolError', `with ${framing.why}`);
  const range = readContentRange(headers);
  if (range === undefined) return changed('the answer does not say which one range it holds');
  if (range.from !== from || range.to > (asked.to ?? range.to)) return changed('the answer holds another range');
  if (range.totalBytes !== (version.bytes ?? range.totalBytes)) return changed('the source has another length');
  if (!holds(framing, range.to - from + 1)) return changed('the answer has another length than its range');
  if (!isOfVersion(headers, version)) return changed('the range is of another version');
  return { action: 'rest', to: range.to, totalBytes: range.totalBytes };
}

function judgeWhole(head: ReceivedHead, asked: AskedRange): ResumeDecision {
  const decision = checkWhole(head, asked);
  if (decision.action === 'fail') return decision;
  const { framing } = decision;
  const { version, isConditional } = asked;
  const isSame = isOfVersion(head.headers, version) && holds(framing, version.bytes);
  if (!isSame) return { action: 'whole', why: 'changed', framing };
  if (isConditional && !takesNoRanges(head.headers)) return { action: 'ask-plainly' };
  return { action: 'whole', why: 'no-ranges', framing };
}

/** RFC 9110 15.5.17: `bytes * /N` is the length now. Many servers send no validator with it. */
function judgeEnd(headers: HeaderList, { version, from }: AskedRange): ResumeDecision {
  const [range = '', ...others] = valuesOf(headers, 'content-range');
  const [, total] = /^bytes \*\/(\d+)$/i.exec(range) ?? [];
  if (total === undefined || others.length > 0) return changed('the source does not have the range');
  if (Number(total) !== from || (version.bytes ?? from) !== from) return changed('the source has another length');
  if (version.bytes !== undefined) return { action: 'complete' };
  return from > 0 ? { action: 'confirm-end' } : changed('the source is empty');
}

/** A body that says its length says `bytes`. One that does not is counted while it comes. */
function holds(framing: FramingVerdict, bytes: number | undefined): boolean {
  return framing.kind !== 'length' || bytes === undefined || framing.bytes === bytes;
}

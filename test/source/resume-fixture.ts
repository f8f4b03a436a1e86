import type { OpenedSource, PinnedVersion, Resumed, ResumedSource, ResumeRequest } from '../../lib/source/source.ts';
import type { Origin } from '../support/origin.ts';
import type { Script } from '../support/origin-script.ts';
import { asked, readBody } from './fixture.ts';

export const MODIFIED = 'Tue, 03 Nov 2026 10:00:00 GMT';

/** `hello world`, by its ETag; by its date; by its ETag as a body without length leaves it. */
export const byTag = { etag: '"v1"', bytes: 11, contentEncoding: undefined } satisfies PinnedVersion;
export const byDate = { modified: MODIFIED, bytes: 11, contentEncoding: undefined } satisfies PinnedVersion;
export const unknownLength = { ...byTag, bytes: undefined } satisfies PinnedVersion;

/** Asks for what follows `hello`. */
export function askedRest(url: string, request: Partial<ResumeRequest> = {}): ResumeRequest {
  return { ...asked(url), version: byTag, from: 5, ...request };
}

export function withRest(resumed: Resumed): ResumedSource {
  if (resumed.kind !== 'rest') throw new Error(`expected the rest, got ${resumed.kind}`);
  return resumed.source;
}

export function withWhole(resumed: Resumed): OpenedSource {
  if (resumed.kind !== 'whole') throw new Error(`expected the whole, got ${resumed.kind}`);
  return resumed.source;
}

/** The rest, read without an error. */
export async function textOf(resumed: Resumed): Promise<string> {
  const { bytes, error } = await readBody(withRest(resumed).body);
  if (error !== undefined) throw error;
  return String(bytes);
}

/** A 206 that says what it is told. */
export function part(range: string, body: string, script: Script = {}): Script {
  const headers = { ETag: '"v1"', 'Content-Range': range, ...script.headers };
  return { status: 206, body, ...script, headers };
}

/** Range and If-Range of every request. */
export function rangesOf(origin: Origin): readonly (readonly [string | undefined, string | undefined])[] {
  return origin.requests.map(({ headers }) => [headers.range, headers['if-range']]);
}

import { z } from 'zod';
import { verification } from './outcome.ts';

const crc = z.int().min(0).max(0xffff_ffff);

/** The version of the source that an upload holds; see `PinnedVersion`. Without a known length nothing is checkpointed. */
const version = z.strictObject({
  etag: z.string().optional(),
  modified: z.string().optional(),
  bytes: z.int().min(1),
  contentEncoding: z.string().optional(),
  window: z.strictObject({ from: z.int().min(0), totalBytes: z.int().min(1) }).optional(),
});

/** What the target must be at the commit: what it was before the upload began. */
const condition = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('absent') }),
  z.strictObject({ kind: z.literal('matches'), etag: z.string() }),
]);

const wantedDigest = z.strictObject({
  algorithm: z.enum(['sha256', 'md5', 'crc32c', 'crc32']),
  hex: z.string(),
  by: z.enum(['list', 'source']),
});

/**
 * An upload that any later attempt may go on with. All of it is fixed when the upload is created: part i is the same
 * bytes whoever sends it, so duplicates and zombies are harmless.
 */
export const checkpoint = z.strictObject({
  /** Id of the upload at the destination. */
  upload: z.string(),
  /** Its key, where it was not known before the source had answered. */
  key: z.string().optional(),
  /** Bytes of each part but the last. */
  partBytes: z.int().min(1),
  version,
  condition,
  wanted: z.array(wantedDigest),
  verified: verification,
  status: z.int(),
});

/** One part that the store confirmed. */
export const uploadedPart = z.strictObject({
  number: z.int().min(1),
  bytes: z.int().min(1),
  crc32: crc,
  crc32c: crc.optional(),
});

/** State of the digests behind so many parts, for an item whose bytes must be read in order. */
export const digestState = z.strictObject({ parts: z.int().min(1), state: z.string() });

/** A checkpoint with what the ledger knows of its parts: what the next attempt goes on from. */
export const openUpload = checkpoint.extend({
  /** By number, 8 hexadecimal digits a part, `--------` for one that is missing. */
  crc32s: z.string(),
  crc32cs: z.string().optional(),
  digests: digestState.optional(),
});

/** Whether the bytes must be read in order: sha256 and md5 do not combine from parts as the CRCs do. */
export function needsOrder(wanted: readonly WantedDigest[]): boolean {
  return wanted.some(({ algorithm }) => isOrdered(algorithm));
}

export function isOrdered(algorithm: WantedDigest['algorithm']): algorithm is 'sha256' | 'md5' {
  return algorithm === 'sha256' || algorithm === 'md5';
}

export type WantedDigest = z.infer<typeof wantedDigest>;
export type Checkpoint = z.infer<typeof checkpoint>;
export type UploadedPart = z.infer<typeof uploadedPart>;
export type OpenUploadState = z.infer<typeof openUpload>;

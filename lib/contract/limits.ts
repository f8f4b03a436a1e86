/** Limits that schemas, planner and stores share, each with its source. Bytes are integers. */

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

/** S3: object key, UTF-8 bytes (user guide, "Object key naming guidelines"). */
export const MAX_KEY_BYTES = 1_024;
/** S3: parts of one upload, bytes of a part, bytes of an object (user guide, "Multipart upload limits"). */
export const MAX_PARTS = 10_000;
export const MIN_PART_BYTES = 5 * MiB;
export const MAX_PART_BYTES = 5 * GiB;
/** 10,000 parts of 5 GiB, about 48.8 TiB. */
export const MAX_OBJECT_BYTES = MAX_PARTS * MAX_PART_BYTES;
/** What of it an item may take; the rest is for the run, the line and the checksums that Skyhaul writes down. */
export const MAX_ITEM_METADATA_BYTES = 1 * KiB;

/** One manifest line, decompressed. Longer lines are refused, not cut. */
export const MAX_LINE_BYTES = 64 * KiB;
export const MAX_URL_BYTES = 8 * KiB;
/** Levels of lists and objects within each other, of everything that comes in as JSON. */
export const MAX_JSON_DEPTH = 32;
/** Of a request, as it stands in the list. */
export const MAX_REQUEST_BODY_CHARACTERS = 48 * KiB;
export const MAX_HEADERS = 32;
export const MAX_HEADER_BYTES = 8 * KiB;
/** Inline items travel through the state machine's payload (256 KiB); a longer list belongs into a manifest. */
export const MAX_INLINE_ITEMS = 1_000;

/** Step Functions: most children of a distributed Map in one run, and the width of an inline Map. */
export const MAX_SHARDS = 10_000;
export const MAX_INLINE_SHARDS = 40;

/** The targets of more new items than these are listed at once in S3 instead of looked at one by one: a LIST costs 12.5 HEADs. */
export const LOOKS_AT_MOST = 25;
/** For so long such a listing is trusted, in milliseconds. */
export const LISTING_TRUSTED_MS = 3 * 60_000;

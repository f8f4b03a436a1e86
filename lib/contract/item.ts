import { z } from 'zod';
import { parseRange } from './byte-range.ts';
import { MAX_HEADERS, MAX_ITEM_METADATA_BYTES, MAX_KEY_BYTES, MAX_OBJECT_BYTES, MAX_URL_BYTES } from './limits.ts';
import { request } from './request.ts';
import { transformSpec } from './transform.ts';

const hex = (digits: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${digits}}$`), `${digits} hexadecimal digits`)
    .toLowerCase();

const text = (characters: number) =>
  z
    .string()
    .min(1)
    .max(characters)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'a text without control characters');

const visibleAscii = z.string().regex(/^[\x20-\x7e]*$/, 'a text of visible ASCII characters');
const contentType = visibleAscii.min(1).max(256);

/** Stored with the object. S3 takes ASCII only, and 2 KiB of it; names of our own begin with `skyhaul`. */
const metadata = z
  .record(
    z.string().regex(/^(?!skyhaul)[a-z0-9-]{1,64}$/, 'of a-z, 0-9 and -, at most 64, not beginning with skyhaul'),
    visibleAscii.max(1_024),
  )
  .superRefine((value, context) => {
    const bytes = Object.entries(value).reduce((sum, [name, content]) => sum + name.length + content.length, 0);
    if (bytes <= MAX_ITEM_METADATA_BYTES) return;
    context.addIssue({ code: 'custom', message: `at most ${MAX_ITEM_METADATA_BYTES} bytes, found ${bytes}` });
  });

/** What a response must be before its body counts as the file. A login page sent with status 200 fails here. */
const expectation = z.strictObject({
  status: z.int().min(200).max(299).optional().describe('Exact status. Default: 200.'),
  contentType: z.string().min(1).max(256).optional().describe('Media type, or its beginning such as `image/`.'),
  minBytes: z.int().min(0).max(MAX_OBJECT_BYTES).optional().describe('Fewer bytes than this are refused.'),
});

/** One manifest line: what to fetch and what it becomes. JSON lines are strict; columns of a CSV are picked by name. */
export const item = z
  .strictObject({
    url: z.string().min(1).max(MAX_URL_BYTES).describe('http or https URL of the source.'),
    key: z
      .string()
      .min(1)
      .max(MAX_KEY_BYTES)
      .optional()
      .describe('Key below `to`; {filename} in it is what the source calls the file. Default: made by the template.'),
    id: text(256).optional().describe('Your own name of the line; it comes back in the outcome.'),
    size: z.int().min(0).max(MAX_OBJECT_BYTES).optional().describe('Bytes the body must have.'),
    sha256: hex(64).optional().describe('SHA-256 the body must have, hexadecimal.'),
    md5: hex(32).optional().describe('MD5 the body must have, hexadecimal.'),
    crc32c: hex(8).optional().describe('CRC-32C the body must have, hexadecimal.'),
    expect: expectation.optional(),
    contentType: contentType.optional().describe('Content-Type to store instead of the one received.'),
    metadata: metadata.optional(),
    request: request.optional(),
    headers: request.shape.headers.describe(`Short for request.headers; at most ${MAX_HEADERS}.`),
    method: request.shape.method.describe('Short for request.method.'),
    body: request.shape.body.describe('Short for request.body.'),
    auth: request.shape.auth.describe('Short for request.auth.'),
    range: z
      .string()
      .refine((text) => parseRange(text) !== undefined, 'such as `bytes=0-99`, `bytes=100-` or `bytes=-100`')
      .optional()
      .describe('Only these bytes of the source: `bytes=0-99`, `bytes=100-`, `bytes=-100` (of the end).'),
    timeoutMs: z.int().min(1).optional().describe('Milliseconds for the whole item.'),
    maxBytes: z.int().min(0).max(MAX_OBJECT_BYTES).optional(),
    transform: transformSpec.optional(),
    backend: z.enum(['auto', 'undici', 'h2', 'node']).optional(),
    result: z.enum(['object', 'inline', 'head', 'none']).optional(),
    error: z
      .strictObject({ name: z.string(), message: z.string().optional() })
      .optional()
      .describe('Why the line failed in an earlier run; failed.jsonl carries it, a new run ignores it.'),
  })
  .meta({ id: 'item', title: 'Item', description: 'One line of a manifest.' });

export type Item = z.infer<typeof item>;

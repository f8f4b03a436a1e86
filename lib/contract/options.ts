import { z } from 'zod';
import { MAX_OBJECT_BYTES } from './limits.ts';
import { request } from './request.ts';
import { transformSpec } from './transform.ts';

const count = (most: number) => z.int().min(1).max(most);
const HOUR_MS = 3_600_000;

const rate = z.strictObject({
  perSecond: z.number().positive().max(10_000),
  burst: z.int().min(1).optional().describe('Requests that may be saved up. Default: 1.'),
});

/** A name, or everything below it, with or without a port; an address. */
const hostPattern = z
  .string()
  .max(260)
  .regex(
    /^((\*\.)?[^\s*/@?#:[\]]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?$/,
    'a host: example.com, *.example.com or example.com:8080',
  );

/** Where an object can be written and looked at in the same way (S3 API, PutObject); none of directory buckets. */
const STORAGE_CLASSES = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
] as const;

/** S3 user guide, "Object tagging": at most 10, names of 128 and values of 256 characters. */
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const tags = z
  .record(
    z.string().regex(TAG_TEXT, 'of letters, digits, spaces and _.:/=+-@').min(1).max(128),
    z.string().regex(TAG_TEXT, 'of letters, digits, spaces and _.:/=+-@').max(256),
  )
  .refine((value) => Object.keys(value).length <= 10, 'at most 10 tags');

export const DEFAULT_KEY_TEMPLATE = '{host}/{path}';

/**
 * What a batch may ask for, with the defaults of `Options`. Deploy-time defaults stand below it, item fields above it,
 * deployed limits over all.
 */
export const options = z
  .strictObject({
    maxConcurrency: count(10_000).optional().describe('Transfers (Lambdas) at once. Default 50; in-process 4.'),
    slots: count(1_000).optional().describe('Items at once in one invocation. Default: from its memory.'),
    perHostConnections: count(1_000).default(6).describe('Connections to one host, over the whole run.'),
    perHostRate: rate.optional().describe('Requests a second to one host.'),
    hosts: z
      .array(z.strictObject({ pattern: hostPattern, connections: count(1_000).optional(), rate: rate.optional() }))
      .max(1_000)
      .optional()
      .describe('Limits of hosts that match a pattern; the most specific one counts.'),
    maxBytesPerSecond: count(Number.MAX_SAFE_INTEGER).optional().describe('Read by the whole run.'),
    overwrite: z
      .enum(['never', 'if-changed', 'always'])
      .default('if-changed')
      .describe('What happens where an object stands already.'),
    attempts: count(100).default(5).describe('Per item, all rounds together.'),
    connectTimeoutMs: count(HOUR_MS).default(10_000).describe('TCP and TLS together.'),
    headersTimeoutMs: count(HOUR_MS).default(30_000),
    idleTimeoutMs: count(HOUR_MS).default(30_000).describe('Longest pause between two pieces of a body.'),
    minBytesPerSecond: z.int().min(0).default(1_024).describe('Over a window of 60 s; 0 turns it off.'),
    timeoutMs: count(72 * HOUR_MS)
      .optional()
      .describe('For a whole item.'),
    hostAttempts: count(100)
      .default(8)
      .describe('So often in a row a host may refuse everybody, or not be reached, before what is left of it fails.'),
    hostTimeoutMs: count(72 * HOUR_MS)
      .optional()
      .describe('So long a host may refuse everybody, or not be reached. Default: as hostAttempts says.'),
    maxRedirects: z.int().min(0).max(50).default(10),
    maxItems: count(100_000_000).default(10_000_000),
    maxBytes: z.int().min(0).max(MAX_OBJECT_BYTES).default(MAX_OBJECT_BYTES).describe('Of one item.'),
    maxTotalBytes: count(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('Stored by the run. Once it is reached no item is begun, and none that is known not to fit any more.'),
    maxFailures: z
      .int()
      .min(0)
      .optional()
      .describe('More failed lines than this end the run; what is under way is finished.'),
    maxHours: z.number().positive().max(8_760).default(72).describe('Since the start of the run.'),
    skipInvalid: z.boolean().default(false).describe('Bad lines become failed outcomes instead of stopping the run.'),
    limit: count(100_000_000)
      .optional()
      .describe('A trial: only the first n lines are tried, the others are reported as LimitReached.'),
    key: z.string().min(1).max(1_024).default(DEFAULT_KEY_TEMPLATE).describe('Template of the keys.'),
    roundMinutes: z.number().positive().max(1_440).optional().describe('Length of a round. Default: 5, then 30.'),
    storageClass: z.enum(STORAGE_CLASSES).optional().describe("Of the objects in S3. Default: the bucket's."),
    tags: tags.optional().describe('Of the objects in S3, at most 10.'),
    cacheControl: z
      .string()
      .max(256)
      .regex(/^[\x20-\x7e]+$/, 'a text of visible ASCII characters')
      .optional()
      .describe('Cache-Control of the objects.'),
    kmsKeyId: z
      .string()
      .max(2_048)
      .regex(/^[\w:/-]+$/, 'the id, ARN or alias of a KMS key')
      .optional()
      .describe("KMS key of the objects in S3. Default: the bucket's."),
    request: request.optional().describe('How every item is asked, unless it says otherwise.'),
    transform: transformSpec.optional(),
    duplicates: z
      .enum(['fetch', 'copy'])
      .optional()
      .describe(
        'Lines that ask for the same under different keys: each is fetched, or one, and copied. Default: fetch.',
      ),
    robots: z.boolean().optional().describe('Obey the robots.txt of every host (RFC 9309). Default: false.'),
  })
  .meta({ id: 'options', title: 'Options', description: 'Options of a batch.' });

export type Options = z.infer<typeof options>;

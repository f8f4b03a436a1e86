import { z } from 'zod';
import { MAX_OBJECT_BYTES } from './limits.ts';
import { request } from './request.ts';
import { transformSpec } from './transform.ts';

const count = (most: number) => z.int().min(1).max(most);
const HOUR_MS = 3_600_000;

const rate = z.strictObject({ perSecond: z.number().positive().max(10_000), burst: z.int().min(1).optional() });

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
      .array(
        z.strictObject({ pattern: z.string().min(1), connections: count(1_000).optional(), rate: rate.optional() }),
      )
      .optional()
      .describe('Limits of hosts that match a pattern.'),
    maxBytesPerSecond: count(Number.MAX_SAFE_INTEGER).optional().describe('Of the whole run.'),
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
    maxRedirects: z.int().min(0).max(50).default(10),
    maxItems: count(100_000_000).default(10_000_000),
    maxBytes: z.int().min(0).max(MAX_OBJECT_BYTES).default(MAX_OBJECT_BYTES).describe('Of one item.'),
    maxTotalBytes: count(Number.MAX_SAFE_INTEGER).optional().describe('Of the whole run.'),
    maxFailures: z.int().min(0).optional().describe('The run stops cleanly behind this many.'),
    maxHours: z.number().positive().max(8_760).default(72),
    skipInvalid: z.boolean().default(false).describe('Bad lines become failed outcomes instead of stopping the run.'),
    limit: count(100_000_000).optional().describe('Only the first n lines.'),
    key: z.string().min(1).max(1_024).default(DEFAULT_KEY_TEMPLATE).describe('Template of the keys.'),
    roundMinutes: z.number().positive().max(1_440).optional().describe('Length of a round. Default: 5, then 30.'),
    storageClass: z.string().optional(),
    tags: z.record(z.string(), z.string()).optional(),
    cacheControl: z.string().optional(),
    kmsKeyId: z.string().optional(),
    request: request.optional(),
    transform: transformSpec.optional(),
  })
  .meta({ id: 'options', title: 'Options', description: 'Options of a batch.' });

export type Options = z.infer<typeof options>;

/**
 * The transforms an item may ask for, in order: each entry is a name, or an object of the name and its options. Unknown
 * names and options are refused, and so is a charset that this Node cannot read. What each one does: `lib/transform/`.
 */
import { z } from 'zod';
import { MiB } from './limits.ts';

export const MAX_TRANSFORM_STEPS = 8;
/** Window of zstd levels up to 19, and what every decoder should take (RFC 8878 3.1.1.1.2). */
const USUAL_WINDOW_BYTES = 8 * MiB;
/** What the zstd command takes without `--long` (ZSTD_WINDOWLOG_LIMIT_DEFAULT). */
const MAX_WINDOW_BYTES = 128 * MiB;
/** A line or record is held in memory as a whole. */
const MAX_RECORD_BYTES = 64 * MiB;

const recordBytes = z.int().min(1).max(MAX_RECORD_BYTES).default(MiB);
const where = z.string().min(1).max(4_096).optional().describe('Rows for which this expression is true are kept.');

const character = z.string().regex(/^[\t\x20-\x7e]$/, 'one ASCII character');

const gunzip = z.strictObject({ name: z.literal('gunzip') }).describe('Unpacks gzip, of several members too.');

const gzip = z
  .strictObject({
    name: z.literal('gzip'),
    level: z.int().min(1).max(9).default(6).describe('1 is fastest, 9 smallest.'),
  })
  .describe('Packs with gzip.');

const zstd = z
  .strictObject({
    name: z.literal('zstd'),
    level: z.int().min(1).max(19).default(3).describe('1 is fastest, 19 smallest; high levels take up to 100 MiB.'),
  })
  .describe('Packs with zstd, with a checksum.');

const unzstd = z
  .strictObject({
    name: z.literal('unzstd'),
    maxWindowBytes: z
      .int()
      .min(1_024)
      .max(MAX_WINDOW_BYTES)
      .default(USUAL_WINDOW_BYTES)
      .describe('Memory that a frame may ask for. Files of `zstd --ultra` or `--long` need more than the default.'),
  })
  .describe('Unpacks zstd, of several frames too.');

const decode = z
  .strictObject({
    name: z.literal('decode'),
    charset: z
      .string()
      .min(1)
      .max(64)
      .refine(isCharset, 'a charset of the WHATWG Encoding Standard, such as `windows-1252` or `utf-16le`')
      .describe('Of the input. `utf-16` goes by the byte order mark.'),
  })
  .describe('Turns text into UTF-8 without byte order mark; text that is not of the charset fails.');

const lines = z
  .strictObject({
    name: z.literal('lines'),
    maxBytes: recordBytes.describe('Of one line; a longer one fails.'),
  })
  .describe('Ends each line with LF, whatever ended it (CRLF, CR, LF, the end of the file), and counts them.');

const csv = z
  .strictObject({
    name: z.literal('csv'),
    delimiter: character.default(',').describe('Between the fields, in and out.'),
    quote: character.optional().describe('Around fields that hold a delimiter or a line end. Default: `"`.'),
    header: z.boolean().default(true).describe('Whether the first record names the columns.'),
    select: z
      .array(z.string().min(1).max(256))
      .min(1)
      .max(1_000)
      .optional()
      .describe('Columns that are kept, in this order. Default: all.'),
    where,
    maxRecordBytes: recordBytes.describe('Of one record; a longer one fails.'),
  })
  .refine(({ delimiter, quote = '"' }) => delimiter !== quote, { error: 'the delimiter is not the quote' })
  .describe('Keeps columns and rows of a CSV.');

const jsonl = z
  .strictObject({
    name: z.literal('jsonl'),
    select: z
      .array(z.string().min(1).max(256))
      .min(1)
      .max(1_000)
      .optional()
      .describe('Fields that are kept, as dotted paths. Default: all.'),
    where,
    maxLineBytes: recordBytes.describe('Of one line; a longer one fails.'),
  })
  .describe('Keeps fields and lines of JSON Lines.');

const untar = z
  .strictObject({
    name: z.literal('untar'),
    strip: z.int().min(0).max(32).default(0).describe('So many leading folders are taken off; entries above are left.'),
    maxFiles: z.int().min(1).max(1_000_000).default(10_000).describe('More files in one archive fail.'),
  })
  .describe('Makes an object of each file in a tar archive. Links and devices are left out and counted. Comes last.');

const userModule = z
  .strictObject({
    name: z.literal('module'),
    options: z.record(z.string(), z.unknown()).optional().describe('Handed to the module as they are.'),
    idleTimeoutMs: z
      .int()
      .min(1)
      .max(3_600_000)
      .default(300_000)
      .describe('Longest time in which the module neither takes nor gives a byte.'),
  })
  .describe('Your own code, given with `--module` or the prop `module`.');

const steps = [gunzip, gzip, zstd, unzstd, decode, lines, csv, jsonl, untar, userModule] as const;
/** Those that may stand as a name alone. */
const bareNames = ['gunzip', 'gzip', 'zstd', 'unzstd', 'lines', 'csv', 'jsonl', 'untar', 'module'] as const;

const step = z
  .preprocess(
    (entry) => (typeof entry === 'string' ? { name: entry } : entry),
    z.discriminatedUnion('name', [...steps]),
  )
  // The JSON Schema of a preprocessed value does not know what it was before.
  .meta({ oneOf: [{ enum: [...bareNames] }, ...steps.map(stepSchema)] });

/** The steps of one item, first to last. */
export const transformSpec = z
  .array(step)
  .min(1)
  .max(MAX_TRANSFORM_STEPS)
  .refine((list) => list.slice(0, -1).every(({ name }) => name !== 'untar'), {
    error: '`untar` makes several objects, so nothing comes behind it',
  })
  .describe('Steps between the source and the object, first to last.');

export type TransformSpec = z.output<typeof transformSpec>;
export type StepSpec = TransformSpec[number];
export type StepName = StepSpec['name'];
export const stepNames: readonly StepName[] = steps.map(({ shape }) => shape.name.value);
export type StepOptions<N extends StepName> = Extract<StepSpec, { readonly name: N }>;

/** Whether several objects come of one item, below its key. */
export function makesMany(steps: readonly Pick<StepSpec, 'name'>[] = []): boolean {
  return steps.some(({ name }) => name === 'untar');
}

/** Whether some step is the user's own code. */
export function usesModule(steps: readonly Pick<StepSpec, 'name'>[] = []): boolean {
  return steps.some(({ name }) => name === 'module');
}

/** Labels as in the WHATWG Encoding Standard 4.2, as far as this Node's ICU has them. */
function isCharset(label: string): boolean {
  try {
    new TextDecoder(label);
    return true;
  } catch {
    return false;
  }
}

function stepSchema(of: (typeof steps)[number]): z.core.JSONSchema.BaseSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(of, { io: 'input' });
  return schema;
}

import { z } from 'zod';
import { MAX_INLINE_ITEMS } from './limits.ts';
import { options } from './options.ts';

/** Names a run: it becomes a folder of the state and the beginning of an execution name (AWS: 80 characters). */
export const runId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a-z, 0-9 and -, at most 63 characters');

export const manifestFormats = ['jsonl', 'csv', 'tsv', 'txt'] as const;

/** Where a list lies and how to read it. */
const manifest = z.strictObject({
  uri: z.string().min(1).describe('s3://bucket/key; in-process also a path.'),
  format: z
    .enum(manifestFormats)
    .optional()
    .describe('Default: by the name, `.gz` or `.zst` taken off first, else by the content.'),
  urlColumn: z.string().min(1).optional().describe('Column of the URL. Default: found by its usual names.'),
  keyColumn: z.string().min(1).optional().describe('Column of the key. Default: `key`, when there is one.'),
  expand: z.boolean().optional().describe('Whether `{1..9}` and `{a,b}` in a text list are patterns. Default: true.'),
});

/**
 * The state machine's input, and what `skyhaul run` builds from its flags. Either `items` or `manifest`; neither, when
 * `run` names a run that exists: then that run goes on.
 */
export const batchInput = z
  .strictObject({
    run: runId.optional(),
    items: z.array(z.unknown()).min(1).max(MAX_INLINE_ITEMS).optional().describe('Items, see the item schema.'),
    manifest: manifest.optional(),
    to: z.string().min(1).describe('s3://bucket/prefix, or a directory (in-process only).'),
    options: options.prefault({}),
  })
  .refine((input) => !(input.items && input.manifest), { error: 'give `items` or `manifest`, not both' })
  .refine((input) => input.items || input.manifest || input.run, {
    error: 'give `items` or `manifest`, or the `run` to continue',
  })
  .meta({
    id: 'batch-input',
    title: 'Batch input',
    description: 'Input of the state machine.',
    // The two rules above, for those who hold nothing but the JSON Schema.
    not: { required: ['items', 'manifest'] },
    anyOf: [{ required: ['items'] }, { required: ['manifest'] }, { required: ['run'] }],
  });

export type BatchInput = z.infer<typeof batchInput>;
export type ManifestSpec = z.infer<typeof manifest>;

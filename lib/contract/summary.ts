import { z } from 'zod';
import { runId } from './batch-input.ts';

/** `summary.json`, the output of the state machine, and the last line of `--json`. */
export const summary = z
  .strictObject({
    run: runId,
    counts: z.strictObject({ stored: z.int().min(0), skipped: z.int().min(0), failed: z.int().min(0) }),
    notTried: z
      .int()
      .min(1)
      .optional()
      .describe('Of the failed: lines that a limit, or a stop, came before; none was tried.'),
    errors: z
      .record(z.string(), z.int().min(1))
      .optional()
      .describe('How many lines failed with each error, by its catalogue name.'),
    bytes: z.int().min(0).describe('Stored by this run.'),
    seconds: z.number().min(0).describe('From the start of the run to its report.'),
    cost: z.number().min(0).describe('Estimate in US dollars; what ran on your own machine costs nothing.'),
    limit: z.string().optional().describe('The limit that ended the run before every line was done, in words.'),
    report: z.string().describe('URI of report.jsonl.'),
    failed: z.string().describe('URI of failed.jsonl, itself a manifest.'),
    html: z.string().describe('URI of report.html.'),
  })
  .meta({ id: 'summary', title: 'Summary', description: 'Result of a run.' });

export type Summary = z.infer<typeof summary>;

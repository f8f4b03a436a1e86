import { z } from 'zod';
import { errorNames } from '../errors/catalogue.ts';

const errorName = z.enum(errorNames);

/** How well the stored bytes are proven, strongest first. */
export const verification = z.enum(['digest', 'length', 'chunked', 'unverified']);

/** What became of one manifest line. Exactly one per line stands in `report.jsonl`. */
export const outcome = z
  .strictObject({
    line: z.int().min(1).describe('Line of the manifest, counted from 1; position for inline items.'),
    id: z.string().optional(),
    url: z.string().describe('Without user info, query and fragment.'),
    key: z.string().optional(),
    outcome: z.enum(['stored', 'skipped', 'failed']),
    reason: z.enum(['exists', 'unchanged', 'duplicate']).optional().describe('Of a skip.'),
    error: errorName.optional().describe('Catalogue name, see docs/errors.md.'),
    message: z.string().optional(),
    status: z.int().optional().describe('Last HTTP status of the source.'),
    bytes: z.int().min(0).optional().describe('Of the object.'),
    crc32: z.string().optional().describe('Of the object, 8 hexadecimal digits.'),
    sha256: z.string().optional().describe('When it was computed.'),
    verified: verification.optional(),
    copiedFrom: z.int().min(1).optional().describe('Line whose object it is a copy of (option duplicates).'),
    sourceEtag: z.string().optional(),
    objectEtag: z.string().optional(),
    attempts: z.int().min(0).describe('Tries, without those that a resume followed.'),
    resumes: z.int().min(0).optional().describe('How often it went on where an answer had broken off.'),
    ms: z.int().min(0).optional().describe('From the first attempt to the end of the last one that worked on it.'),
    objects: z.array(z.string()).optional(),
    bytesIn: z.int().optional(),
    rowsIn: z.int().optional(),
    rowsOut: z.int().optional(),
    inline: z.unknown().optional(),
  })
  .meta({ id: 'outcome', title: 'Outcome', description: 'One line of report.jsonl.' });

export type Outcome = z.infer<typeof outcome>;
export type Verification = z.infer<typeof verification>;

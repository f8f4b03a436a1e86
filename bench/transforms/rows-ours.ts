import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makeCsv } from '../../lib/transform/csv.ts';
import { makeJsonl } from '../../lib/transform/jsonl.ts';

/** One step as a command, for the bench to start like its peers: `node rows-ours.ts csv '{"where":"…"}' file`. */
const [format, options = '{}', path = ''] = process.argv.slice(2);
const step = (format === 'csv' ? makeCsv : makeJsonl)(JSON.parse(options));
const input = createReadStream(path, { highWaterMark: 256 * 1024 });
const output = step.apply(input, { rowsIn: 0, rowsOut: 0 });
// Copies: standard output may still hold a chunk when the next one is asked for.
await pipeline(Readable.from(copied(output), { objectMode: false }), process.stdout);

async function* copied(chunks: AsyncIterable<Uint8Array>) {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

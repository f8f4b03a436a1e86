/** The memory S3 as a process: options as JSON in the first argument, `{"endpoint"}` on stdout, ends with its stdin. */
import { startMemoryS3 } from './memory-s3.ts';

const s3 = await startMemoryS3(JSON.parse(process.argv[2] ?? '{}'));
console.log(JSON.stringify({ endpoint: s3.endpoint }));
process.stdin.resume().once('close', () => process.exit());

import { DEFAULT_TRANSFORM_LIMITS } from '../../lib/transform/limits.ts';
import type { TransformLimits } from '../../lib/transform/transform.ts';
import { makeUntar } from '../../lib/transform/untar.ts';
import { CarelessSource, collect } from './byte-streams.ts';

export interface Entry {
  readonly name: string;
  readonly body?: Uint8Array | string;
  /** Type flag. @default '0' */
  readonly flag?: string;
  /** In the header, instead of the length of the body: a number, or the field as it stands there. */
  readonly size?: number | Buffer;
  readonly magic?: string;
  readonly prefix?: string;
}

const pad = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

/** One entry as it stands in an archive, right or wrong as asked. */
export function tarEntry({ name, body = '', flag = '0', size, magic = 'ustar\x0000', prefix = '' }: Entry): Buffer {
  const content = Buffer.from(body);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write('0000644\0', 100);
  if (Buffer.isBuffer(size)) size.copy(header, 124);
  else header.write(`${(size ?? content.length).toString(8).padStart(11, '0')}\0`, 124);
  header.write(flag, 156, 'latin1');
  header.write(magic, 257, 'latin1');
  header.write(prefix, 345);
  return Buffer.concat([signed(header), pad(content)]);
}

/** The header with the checksum that it should have. */
export function signed(header: Buffer): Buffer {
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

export function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (`${length}`.length + rest !== length) length += 1;
  return `${length} ${key}=${value}\n`;
}

export const END = Buffer.alloc(1_024);

export function archive(...entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), END]);
}

export const OPTIONS = { strip: 0, maxFiles: 100 };

/** The files of an archive, and what was counted. */
export async function untar(
  chunks: readonly Uint8Array[],
  options: Partial<typeof OPTIONS> = {},
  limits: TransformLimits = DEFAULT_TRANSFORM_LIMITS,
) {
  const counts = { rowsIn: 0, rowsOut: 0 };
  const files: { path: string; body: Buffer }[] = [];
  const step = makeUntar({ ...OPTIONS, ...options }, limits);
  for await (const { path, bytes, body } of step.split(new CarelessSource(chunks), counts)) {
    const content = await collect(body);
    if (content.length !== bytes) throw new Error(`${path}: ${bytes} announced, ${content.length} found`);
    files.push({ path, body: content });
  }
  return { files, counts };
}

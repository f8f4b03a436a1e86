/**
 * The blocks and records of a tar archive (POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar
 * Format"), as data. Pure. Whatever it does not understand it refuses: a size that is read wrongly makes objects out of
 * the middle of other files.
 */
import { SkyhaulError } from '../errors/skyhaul-error.ts';

export const TAR_BLOCK = 512;

export interface TarHeader {
  readonly name: string;
  readonly bytes: number;
  readonly kind: TarKind;
}

/** `extended`, `global` and `long name` are about the entry behind them; `long link` and `listing` are of no use here. */
type TarKind =
  | 'file'
  | 'directory'
  | 'link'
  | 'special'
  | 'extended'
  | 'global'
  | 'long name'
  | 'long link'
  | 'listing';

const KINDS: Readonly<Record<string, TarKind>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'special',
  '3': 'special',
  '4': 'special',
  '5': 'directory',
  '6': 'special',
  V: 'special',
  x: 'extended',
  g: 'global',
  L: 'long name',
  K: 'long link',
  D: 'listing',
};

/** `undefined` for a block of zeros, the mark of the end. Throws TransformFailed. */
export function parseTarHeader(block: Uint8Array): TarHeader | undefined {
  const header = Buffer.from(block.buffer, block.byteOffset, block.length);
  if (header.every((byte) => byte === 0)) return undefined;
  if (tarNumber(header.subarray(148, 156)) !== checksum(header)) {
    throw refuseTar('the input is damaged, or no tar archive (the checksum of a header is wrong)');
  }
  const kind = KINDS[header.toString('latin1', 156, 157)];
  // Among them are sparse files and pieces of archives of several volumes: their bytes are not those of the file.
  if (kind === undefined) throw refuseTar(`an entry is of an unknown kind (type flag ${header[156]})`);
  return { name: headerName(header), bytes: tarNumber(header.subarray(124, 136)), kind };
}

function headerName(header: Buffer): string {
  const name = tarText(header.subarray(0, 100));
  // GNU keeps other things where POSIX has the beginning of a long name.
  const isPosix = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? tarText(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** The text up to the first NUL. Throws TransformFailed where it is no UTF-8. */
export function tarText(field: Uint8Array): string {
  const end = field.indexOf(0);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      end === -1 ? field : field.subarray(0, end),
    );
  } catch (cause) {
    throw refuseTar('a name in the archive is not UTF-8', cause);
  }
}

/** Octal digits between spaces and NULs, or binary behind a set high bit (GNU, for 8 GiB and more). */
function tarNumber(field: Buffer): number {
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) {
    const value = BigInt(`0x${field.toString('hex')}`) - (0x80n << (8n * BigInt(field.length - 1)));
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    throw refuseTar('a number in the archive is negative, or larger than any file');
  }
  const [text = ''] = field.toString('latin1').split('\0');
  const digits = text.trim();
  if (!/^[0-7]*$/.test(digits)) throw refuseTar('the input is damaged, or no tar archive (a number is none)');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

/** The sum of all bytes, its own field taken as spaces. */
function checksum(header: Buffer): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

/** What of the extended records concerns us. */
export interface TarRecords {
  readonly path?: string;
  readonly bytes?: number;
}

/** `<length> <key>=<value>\n`, one behind the other. Throws TransformFailed. */
export function parseTarRecords(bytes: Uint8Array): TarRecords {
  const records: { path?: string; bytes?: number } = {};
  for (let rest = Buffer.from(bytes); rest.length > 0; ) {
    const [digits = ''] = /^\d{1,7}(?= )/.exec(rest.toString('latin1', 0, 8)) ?? [];
    const length = Number(digits);
    const record = rest.subarray(digits.length + 1, length);
    const equals = record.indexOf('=');
    if (length > rest.length || record.at(-1) !== 0x0a || equals === -1)
      throw refuseTar('an extended header is damaged');
    const key = record.toString('utf8', 0, equals);
    const value = record.subarray(equals + 1, -1);
    rest = rest.subarray(length);
    if (key.startsWith('GNU.sparse.')) throw refuseTar('it holds a sparse file');
    // An empty value takes back what a global header said.
    if (value.length === 0) continue;
    if (key === 'path') records.path = recordText(value);
    if (key === 'size') records.bytes = recordBytes(value.toString('latin1'));
  }
  return records;
}

function recordText(value: Buffer): string {
  if (value.includes(0)) throw refuseTar('a name in the archive holds NUL');
  return tarText(value);
}

function recordBytes(text: string): number {
  const bytes = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(bytes)) return bytes;
  throw refuseTar('the size in an extended header is none');
}

export function refuseTar(why: string, cause?: unknown): SkyhaulError {
  return new SkyhaulError('TransformFailed', `untar: ${why}.`, cause === undefined ? {} : { cause });
}

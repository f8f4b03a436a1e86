import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { announcedDigests } from '../../lib/source/announced-digests.ts';
import type { FramingVerdict } from '../../lib/source/framing.ts';
import type { HeaderList } from '../../lib/source/header-list.ts';

const digest = (algorithm: string, text = 'hello', encoding: 'hex' | 'base64' = 'base64') =>
  createHash(algorithm).update(text).digest(encoding);
const MD5 = digest('md5');
const SHA256 = digest('sha256');
const md5 = digest('md5', 'hello', 'hex');
const sha256 = digest('sha256', 'hello', 'hex');
/** CRC32C of `hello`, as Cloud Storage writes it: base64 of four bytes, the highest first. */
const CRC32C = 'mnG7TA==';
const five: FramingVerdict = { kind: 'length', bytes: 5 };

function announced(headers: HeaderList, framing = five, status = 200) {
  return announcedDigests({ status, headers, framing });
}

describe('announcedDigests', () => {
  it.for<[string, HeaderList, object]>([
    ['Content-MD5', [['content-md5', MD5]], { md5 }],
    ['Repr-Digest', [['repr-digest', `sha-512=:AA==:, sha-256=:${SHA256}:`]], { sha256 }],
    ['Repr-Digest with a parameter', [['repr-digest', `sha-256=:${SHA256}:;x=1`]], { sha256 }],
    ['Content-Digest of a whole', [['content-digest', `sha-256=:${SHA256}:`]], { sha256 }],
    ['x-goog-hash in one line', [['x-goog-hash', `crc32c=${CRC32C},md5=${MD5}`]], { crc32c: '9a71bb4c', md5 }],
    [
      'x-goog-hash in two lines',
      [
        ['x-goog-hash', `crc32c=${CRC32C}`],
        ['x-goog-hash', `md5=${MD5}`],
      ],
      { crc32c: '9a71bb4c', md5 },
    ],
    ['x-amz-checksum-sha256', [['x-amz-checksum-sha256', SHA256]], { sha256 }],
    ['x-amz-checksum-crc32', [['x-amz-checksum-crc32', 'NhCmhg==']], { crc32: '3610a686' }],
    ['x-amz-checksum-crc32c', [['x-amz-checksum-crc32c', CRC32C]], { crc32c: '9a71bb4c' }],
    [
      'the same value from two',
      [
        ['content-md5', MD5],
        ['x-goog-hash', `md5=${MD5}`],
      ],
      { md5 },
    ],
  ])('H68: reads %s', ([, headers, digests]) => {
    expect(announced(headers)).toEqual(digests);
  });

  it.for<[string, HeaderList]>([
    ['nothing', []],
    ['an MD5 that is too short', [['content-md5', MD5.slice(4)]]],
    ['an MD5 in hexadecimal', [['content-md5', md5]]],
    ['an MD5 without padding', [['content-md5', MD5.replaceAll('=', '')]]],
    [
      'two MD5s',
      [
        ['content-md5', MD5],
        ['content-md5', digest('md5', 'other')],
      ],
    ],
    [
      'two headers that contradict each other',
      [
        ['content-md5', MD5],
        ['x-goog-hash', `md5=${digest('md5', 'other')}`],
      ],
    ],
    ['a Repr-Digest without colons', [['repr-digest', `sha-256=${SHA256}`]]],
    ['a composite checksum', [['x-amz-checksum-sha256', `${SHA256}-3`]]],
    [
      'a checksum that is said to be composite',
      [
        ['x-amz-checksum-crc32', 'NhCmhg=='],
        ['x-amz-checksum-type', 'COMPOSITE'],
      ],
    ],
  ])('H68: says nothing of %s', ([, headers]) => {
    expect(announced(headers)).toEqual({});
  });

  it('H68: believes no Content-Digest of a 206, but what speaks of the whole', () => {
    const headers: HeaderList = [
      ['content-digest', `sha-256=:${SHA256}:`],
      ['content-md5', MD5],
    ];

    expect(announced(headers, five, 206)).toEqual({ md5 });
  });

  it('H50, H68: believes nothing beside a coding that nobody asked for', () => {
    const headers: HeaderList = [
      ['content-md5', MD5],
      ['repr-digest', `sha-256=:${SHA256}:`],
      ['x-amz-checksum-crc32c', CRC32C],
    ];

    expect(announced([...headers, ['content-encoding', 'gzip']])).toEqual({});
    expect(announced([...headers, ['content-encoding', 'identity']])).toEqual({ crc32c: '9a71bb4c', md5, sha256 });
  });

  it('H68: believes x-goog-hash of the bytes as they are stored only', () => {
    const hash = ['x-goog-hash', `md5=${MD5}`] as const;
    const stored = ['x-goog-stored-content-encoding', 'gzip'] as const;
    const sent = ['content-encoding', 'gzip'] as const;

    expect(announced([hash, stored, sent])).toEqual({ md5 });
    expect(announced([hash, ['x-goog-stored-content-encoding', 'identity']])).toEqual({ md5 });
    expect(announced([hash, ['x-goog-stored-content-length', '5']])).toEqual({ md5 });
    // Decoded on the way out, with or without a word about it; coded on the way out.
    expect(announced([hash, stored])).toEqual({});
    expect(announced([hash, ['x-goog-stored-content-length', '4']])).toEqual({});
    expect(announced([hash, sent])).toEqual({});
  });
});

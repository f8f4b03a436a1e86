import type { ReceivedHead } from './check-response.ts';
import { contentEncodingOf, firstOf, type HeaderList, listOf, valuesOf } from './header-list.ts';
import type { AnnouncedDigests } from './source.ts';

const DIGEST_BYTES = { sha256: 32, md5: 16, crc32c: 4, crc32: 4 } as const;
type Algorithm = keyof typeof DIGEST_BYTES;
/** What a header says, in base64. */
type Announcement = readonly [algorithm: Algorithm, base64: string];

/**
 * The digests that an answer announces for the bytes of its body. Whoever believes one that speaks of other bytes fails
 * a good file for ever, so: malformed values, values that contradict each other, and checksums of checksums say
 * nothing. Nor does anything beside a Content-Encoding: `identity` was asked for, so somebody on the way may have coded
 * the bytes and handed the digests through.
 */
export function announcedDigests(head: ReceivedHead): AnnouncedDigests {
  const { headers } = head;
  const isCoded = contentEncodingOf(headers) !== undefined;
  const announced = [...(isCoded ? [] : [...fromStandards(head), ...fromAmazon(headers)]), ...fromGoogle(head)];
  const algorithms = Object.keys(DIGEST_BYTES) as Algorithm[];
  return Object.fromEntries(
    algorithms.flatMap((algorithm) => {
      const hex = announced.flatMap(([name, base64]) => (name === algorithm ? (hexOf(algorithm, base64) ?? []) : []));
      const [first, ...others] = new Set(hex);
      return first === undefined || others.length > 0 ? [] : [[algorithm, first]];
    }),
  );
}

/** Content-MD5 (RFC 1864); Repr-Digest and, of the whole, Content-Digest: dictionaries of byte sequences (RFC 9530). */
function fromStandards({ status, headers }: ReceivedHead): Announcement[] {
  const members = [...listOf(headers, 'repr-digest'), ...(status === 200 ? listOf(headers, 'content-digest') : [])];
  return [
    ...valuesOf(headers, 'content-md5').map((base64): Announcement => ['md5', base64]),
    ...members.flatMap((member): Announcement[] => {
      const [, base64] = /^sha-256=:([^:]*):(?:;.*)?$/.exec(member) ?? [];
      return base64 === undefined ? [] : [['sha256', base64]];
    }),
  ];
}

/** S3's, when they are of the object itself: a composite one (`…-3`) is a checksum over those of the parts. */
function fromAmazon(headers: HeaderList): Announcement[] {
  if (firstOf(headers, 'x-amz-checksum-type')?.toUpperCase() === 'COMPOSITE') return [];
  return (['sha256', 'crc32', 'crc32c'] as const).flatMap((algorithm) =>
    valuesOf(headers, `x-amz-checksum-${algorithm}`).map((base64): Announcement => [algorithm, base64]),
  );
}

/**
 * `crc32c=…,md5=…` of the stored object. Cloud Storage decodes an object stored with gzip for who asks for identity and
 * still sends the hash of the stored bytes, so the body must be coded and as long as what is stored.
 */
function fromGoogle({ headers, framing }: ReceivedHead): Announcement[] {
  const stored = firstOf(headers, 'x-goog-stored-content-encoding')?.toLowerCase();
  const storedBytes = firstOf(headers, 'x-goog-stored-content-length');
  const isAsStored = (stored === 'identity' ? undefined : stored) === contentEncodingOf(headers);
  const isAsLong = storedBytes === undefined || framing.kind !== 'length' || Number(storedBytes) === framing.bytes;
  if (!isAsStored || !isAsLong) return [];
  return listOf(headers, 'x-goog-hash').flatMap((member): Announcement[] => {
    const [, algorithm, base64 = ''] = /^(crc32c|md5)=(.*)$/.exec(member) ?? [];
    return algorithm === 'crc32c' || algorithm === 'md5' ? [[algorithm, base64]] : [];
  });
}

/** Only the one spelling that encodes exactly so many bytes. */
function hexOf(algorithm: Algorithm, base64: string): string | undefined {
  const bytes = Buffer.from(base64, 'base64');
  const isExact = bytes.length === DIGEST_BYTES[algorithm] && bytes.toString('base64') === base64;
  return isExact ? bytes.toString('hex') : undefined;
}

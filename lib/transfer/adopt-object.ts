import type { Verification } from '../contract/outcome.ts';
import { crc32Hex } from '../store/crc32.ts';
import type { StoredObject } from '../store/object-store.ts';
import type { ItemResult } from './item-job.ts';
import { META } from './overwrite-policy.ts';

/** The outcome of an item that this run stored before; the row that said so was lost. */
export function adopted(object: StoredObject): ItemResult {
  const verified = object.metadata[META.verified] as Verification | undefined;
  const sourceEtag = object.metadata[META.etag];
  return {
    outcome: 'stored',
    bytes: object.bytes,
    objectEtag: object.etag,
    ...(object.crc32 !== undefined && { crc32: crc32Hex(object.crc32) }),
    ...(verified !== undefined && { verified }),
    ...(sourceEtag !== undefined && { sourceEtag }),
  };
}

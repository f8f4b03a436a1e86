import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { needsOrder } from '../../lib/contract/checkpoint.ts';
import type { Item } from '../../lib/contract/item.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { createCrc32c, Digests, type WantedDigests, wantedDigests } from '../../lib/transfer/digests.ts';

const hexOf = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');
const item = (digests: Partial<Item>): Item => ({ url: 'https://example.org/a', ...digests });
const sha256 = 'a'.repeat(64);
const md5 = 'b'.repeat(32);
const crc32c = 'c'.repeat(8);

/** Bytes, cut into chunks; after some of them the digests travel to another invocation. */
const journey = fc.array(fc.record({ chunk: fc.uint8Array({ maxLength: 300 }), travels: fc.boolean() }), {
  maxLength: 12,
});
const orderedOf = (bytes: Uint8Array): WantedDigests =>
  wantedDigests(item({ sha256: hexOf('sha256', bytes), md5: hexOf('md5', bytes) }), {});

async function take(wanted: WantedDigests, chunks: readonly { chunk: Uint8Array; travels: boolean }[]) {
  let digests = await Digests.of(wanted, { canBeSaved: true });
  for (const { chunk, travels } of chunks) {
    digests.update(chunk);
    if (!travels) continue;
    const next = await Digests.of(wanted, { canBeSaved: true, saved: digests.save() });
    if (!next) throw new Error('lost its state');
    // The one that was left behind goes on without the other, as a zombie would.
    digests.update(Buffer.from('zombie'));
    digests = next;
  }
  return digests;
}

function thrownBy(act: () => unknown): SkyhaulError {
  try {
    act();
  } catch (error) {
    if (error instanceof SkyhaulError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('digests of bytes that pass in order', () => {
  it('are those of the whole, wherever the bytes are cut and however often the state travels', async () => {
    await fc.assert(
      fc.asyncProperty(journey, async (chunks) => {
        const whole = Buffer.concat(chunks.map(({ chunk }) => chunk));
        const wanted = orderedOf(whole);
        const digests = await take(wanted, chunks);

        expect(digests.bytes).toBe(whole.length);
        expect(digests.verify({})).toEqual({ sha256: hexOf('sha256', whole), isProven: true });

        const native = await Digests.of(wanted, { canBeSaved: false });
        for (const { chunk } of chunks) native.update(chunk);
        expect(native.bytes).toBe(whole.length);
        expect(native.verify({})).toEqual({ sha256: hexOf('sha256', whole), isProven: true });
      }),
    );
  });

  it('H68: no changed, lost or doubled byte passes, over several invocations too', async () => {
    await fc.assert(
      fc.asyncProperty(journey, fc.uint8Array({ minLength: 1, maxLength: 5 }), fc.nat(12), async (chunks, more, at) => {
        const whole = Buffer.concat(chunks.map(({ chunk }) => chunk));
        const changed = chunks.toSpliced(at, 0, { chunk: more, travels: true });
        const digests = await take(orderedOf(whole), changed);

        expect(thrownBy(() => digests.verify({})).name).toBe('DigestMismatch');
      }),
    );
  });

  it('save to a short text that says how far they are, and not where they were not meant to travel', async () => {
    const bytes = Buffer.alloc(1_000_000);
    const wanted = orderedOf(bytes);
    const digests = await Digests.of(wanted, { canBeSaved: true });
    digests.update(bytes);
    const saved = digests.save();
    expect(saved.length).toBeLessThan(500);

    const next = await Digests.of(wanted, { canBeSaved: false, saved });
    expect(next?.bytes).toBe(1_000_000);
    expect(next?.save()).toBe(saved);
    expect(next?.verify({}).isProven).toBe(true);
    const native = await Digests.of(wanted, { canBeSaved: false });
    expect(thrownBy(() => native.save()).name).toBe('Unexpected');
  });

  it('travel without a hash where none is wanted', async () => {
    const digests = await Digests.of([], { canBeSaved: false });
    digests.update(Buffer.alloc(7));
    const next = await Digests.of([], { canBeSaved: false, saved: digests.save() });

    expect(next?.bytes).toBe(7);
    expect(next?.verify({})).toEqual({ sha256: undefined, isProven: false });
  });
});

describe('a saved state that does not help', () => {
  const wanted = wantedDigests(item({ sha256 }), {});
  const saved = async (of: WantedDigests) => (await Digests.of(of, { canBeSaved: true })).save();

  it('is told as undefined, so that the item begins at byte 0', async () => {
    const good = await saved(wanted);
    const state: { sha256: string } = JSON.parse(good);
    const bytes = Buffer.from(state.sha256, 'base64');
    const foreign = Buffer.from(bytes);
    foreign[0] = (foreign[0] ?? 0) ^ 1;
    const refused = {
      'no JSON': good.slice(0, -1),
      empty: '',
      'another version': JSON.stringify({ ...state, version: 2 }),
      'an unknown field': JSON.stringify({ ...state, more: 1 }),
      'no count': JSON.stringify({ ...state, bytes: undefined }),
      'a negative count': JSON.stringify({ ...state, bytes: -1 }),
      'a state cut short': JSON.stringify({ ...state, sha256: bytes.subarray(0, 100).toString('base64') }),
      'another implementation': JSON.stringify({ ...state, sha256: foreign.toString('base64') }),
      'more algorithms': await saved(wantedDigests(item({ sha256, md5 }), {})),
      'another algorithm': await saved(wantedDigests(item({ md5 }), {})),
      'no algorithm': await saved([]),
    };

    expect(await Digests.of(wanted, { canBeSaved: true, saved: good })).toBeInstanceOf(Digests);
    for (const [why, text] of Object.entries(refused)) {
      expect(await Digests.of(wanted, { canBeSaved: true, saved: text }), why).toBeUndefined();
    }
  });
});

describe('what an item must prove', () => {
  it('is what the list declares and what the source announces', () => {
    expect(wantedDigests(item({}), {})).toEqual([]);
    expect(wantedDigests(item({ md5 }), { sha256, crc32: '00000001' })).toEqual([
      { algorithm: 'md5', hex: md5, by: 'list' },
      { algorithm: 'crc32', hex: '00000001', by: 'source' },
    ]);
    expect(wantedDigests(item({}), { sha256, md5 })).toHaveLength(2);
    expect(wantedDigests(item({ sha256 }), { sha256 })).toEqual([{ algorithm: 'sha256', hex: sha256, by: 'list' }]);
  });

  it('H68: is both where list and source differ, so that no bytes can pass', async () => {
    const bytes = Buffer.from('hello');
    for (const [declared, announced] of [
      [hexOf('sha256', bytes), sha256],
      [sha256, hexOf('sha256', bytes)],
    ] as const) {
      const wanted = wantedDigests(item({ sha256: declared }), { sha256: announced, crc32: '3610a686' });
      const digests = await Digests.of(wanted, { canBeSaved: false });
      digests.update(bytes);

      expect(wanted.filter(({ algorithm }) => algorithm === 'sha256')).toHaveLength(2);
      expect(thrownBy(() => digests.verify({ crc32: crc32(bytes) })).name).toBe('DigestMismatch');
    }
  });

  it('needs no order where a CRC does: what the source announces beside it is left out, what the list declares is not', () => {
    const gcs = wantedDigests(item({}), { md5, crc32c });
    expect(gcs).toEqual([{ algorithm: 'crc32c', hex: crc32c, by: 'source' }]);
    expect(needsOrder(gcs)).toBe(false);
    expect(needsOrder(wantedDigests(item({ crc32c }), {}))).toBe(false);
    expect(needsOrder(wantedDigests(item({}), { md5 }))).toBe(true);
    expect(needsOrder(wantedDigests(item({ sha256 }), { md5, crc32c }))).toBe(true);
    expect(needsOrder([])).toBe(false);
  });

  it('H68: says wanted and found, and whose word it was', async () => {
    const wanted = wantedDigests(item({ crc32c: '00000002' }), { crc32: '00000001' });
    const digests = await Digests.of(wanted, { canBeSaved: false });

    expect(thrownBy(() => digests.verify({ crc32: 1, crc32c: 0xe3069283 }))).toMatchObject({
      name: 'DigestMismatch',
      message: 'Wanted: crc32c 00000002 (declared by the list)\nFound:  crc32c e3069283',
    });
    expect(thrownBy(() => digests.verify({ crc32: 0xcbf43926, crc32c: 2 })).message).toBe(
      'Wanted: crc32 00000001 (announced by the source)\nFound:  crc32 cbf43926',
    );
    expect(digests.verify({ crc32: 1, crc32c: 2 })).toEqual({ sha256: undefined, isProven: true });
  });

  it('H68: does not pass because nobody took the sum', async () => {
    const digests = await Digests.of(wantedDigests(item({ crc32c }), {}), { canBeSaved: false });

    expect(thrownBy(() => digests.verify({ crc32: 1 })).name).toBe('Unexpected');
  });
});

test('CRC-32C is the one of RFC 3720, part after part', async () => {
  const crc = await createCrc32c();
  const vectors = [
    ['123456789', 0xe3069283],
    [Buffer.alloc(32), 0x8a9136aa],
    [Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['', 0],
  ] as const;
  for (const [text, sum] of vectors) {
    for (const byte of Buffer.from(text)) crc.update(Uint8Array.of(byte));
    expect(crc.digest()).toBe(sum);
    crc.reset();
  }
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openLocalStore } from '../../lib/store/local-store.ts';
import { describeStore } from '../support/store-conformance.ts';

const roots: string[] = [];
afterAll(() => Promise.all(roots.map((root) => rm(root, { recursive: true, force: true }))));

describeStore('A directory', async () => {
  const root = await mkdtemp(join(tmpdir(), 'skyhaul-store-'));
  roots.push(root);
  // The directory itself does not exist yet.
  return () => openLocalStore(join(root, 'down', 'loads'));
});

import { describe, expect, it } from 'vitest';
import { loadModule } from '../../functions/load-module.ts';
import { createRunContext } from '../../functions/run-context.ts';
import { readSettings } from '../../functions/settings.ts';
import type { ObjectStore } from '../../lib/store/object-store.ts';

const FILE = '../test/deployed/own-module.ts';

describe("the user's module in a Lambda", () => {
  it('is loaded from the file beside the handler, and known by its name', async () => {
    const loaded = await loadModule(FILE);

    expect(loaded).toMatchObject({ id: FILE, file: FILE });
    expect(loaded.transform?.name).toBe('shout');
    expect(loaded.consume?.name).toBe('consume');
  });

  it('is there for Transfer of a stack that has one, when an item asks for it', async () => {
    const context = (environment: Record<string, string>, load: typeof loadModule | undefined) =>
      createRunContext({
        settings: readSettings({ SKYHAUL_STATE_BUCKET: 'stack', ...environment }),
        lambda: { getRemainingTimeInMillis: () => 900_000, memoryLimitInMB: '512' },
        owner: 'arn:execution',
        isAlive: async () => false,
        openBucket: (uri) => ({ uri }) as unknown as ObjectStore,
        emit: () => undefined,
        loadModule: load,
      });

    expect((await context({ SKYHAUL_MODULE: FILE }, loadModule).userModule?.())?.transform?.name).toBe('shout');
    expect(context({}, loadModule).userModule).toBeUndefined();
    expect(context({ SKYHAUL_MODULE: FILE }, undefined).userModule).toBeUndefined();
  });
});

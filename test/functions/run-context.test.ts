import { describe, expect, it } from 'vitest';
import { createRunContext, type Invocation } from '../../functions/run-context.ts';
import { readSettings } from '../../functions/settings.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import type { ObjectStore } from '../../lib/store/object-store.ts';

/** Stores that hold nothing, or fail in one way. */
function context(environment: Record<string, string> = {}, failure?: SkyhaulError, more: Partial<Invocation> = {}) {
  const opened: string[] = [];
  const openBucket = (uri: string) => {
    opened.push(uri);
    const head = async () => {
      if (failure) throw failure;
      return undefined;
    };
    return { uri, head } as unknown as ObjectStore;
  };
  const run = createRunContext({
    settings: readSettings({ SKYHAUL_STATE_BUCKET: 'stack', ...environment }),
    lambda: { getRemainingTimeInMillis: () => 900_000, memoryLimitInMB: '512' },
    owner: 'arn:execution',
    isAlive: async () => false,
    openBucket,
    emit: () => undefined,
    ...more,
  });
  return { run, opened };
}

describe('the surroundings of an invocation', () => {
  it('are its own time and memory, and the limits of the stack', () => {
    const before = Date.now();

    const { run, opened } = context({
      SKYHAUL_MAX_CONCURRENCY: '20',
      SKYHAUL_ALLOWED_NETWORKS: '10.0.0.0/8',
      SKYHAUL_ROUND_MINUTES: '7',
      SKYHAUL_UPLOADER: 'transfer-role',
    });

    expect(run.deadline).toBeGreaterThanOrEqual(before + 900_000);
    expect(run.deadline).toBeLessThanOrEqual(Date.now() + 900_000);
    expect(run.memoryBytes).toBe(512 * 1024 * 1024);
    expect(run.concurrency).toEqual({ default: 20, ceiling: 20 });
    expect(run.allowNetworks).toEqual(['10.0.0.0/8']);
    expect(run.roundMinutes).toBe(7);
    expect(run.uploader).toBe('transfer-role');
    expect(run.owner).toEqual({ execution: 'arn:execution' });
    expect(opened).toEqual(['s3://stack']);
  });

  it('hold what the deployment says of every batch', () => {
    const environment = { SKYHAUL_DEFAULTS: '{"attempts":3}', SKYHAUL_LIMITS: '{"maxBytes":5}' };

    expect(context(environment).run).toMatchObject({ defaults: { attempts: 3 }, limits: { maxBytes: 5 } });
    expect(context().run).toMatchObject({ defaults: undefined, limits: undefined });
  });

  it('tell that there is a module also to who cannot load it', () => {
    const loadModule = () => Promise.reject(new Error('not here'));
    const SKYHAUL_MODULE = 'module-1.mjs';

    expect(context({ SKYHAUL_MODULE }).run).toMatchObject({ hasUserModule: true });
    expect(context({ SKYHAUL_MODULE }).run.userModule).toBeUndefined();
    expect(context({ SKYHAUL_MODULE }, undefined, { loadModule }).run.userModule).toBeDefined();
    expect(context().run.hasUserModule).toBe(false);
  });

  it('give the vault to who asks sources, and to nobody else', async () => {
    const secrets = [{ name: 'a', id: 'arn', origins: ['https://a.test'] }];
    const SKYHAUL_SECRETS = JSON.stringify(secrets);
    const readSecret = async (id: string) => `text of ${id}`;

    const { vault } = context({ SKYHAUL_SECRETS }, undefined, { readSecret }).run;

    expect(vault?.bindings).toEqual(secrets);
    expect(await vault?.read('arn')).toBe('text of arn');
    expect(context({ SKYHAUL_SECRETS }).run.vault).toBeUndefined();
  });

  it('L07: have a name of their own, also when the service repeats an invocation', () => {
    expect(context().run.attempt).not.toBe(context().run.attempt);
  });

  it('lead to the data of the stack and to what was named at deploy time', () => {
    context().run.openDestination('s3://stack/data/2026');
    const { run, opened } = context({ SKYHAUL_DESTINATIONS: 's3://archive' });
    run.openDestination('s3://archive/x');

    expect(opened).toEqual(['s3://stack', 's3://archive/x']);
  });

  it.each(['s3://stack', 's3://stack/runs', 's3://stack/data2', 's3://other/data', '/tmp/data', 'https://h/x?token=1'])(
    'refuse %s as a destination, without opening it',
    (to) => {
      const { run, opened } = context();

      expect(() => run.openDestination(to)).toThrow(expect.objectContaining({ name: 'DestinationNotAllowed' }));
      expect(() => run.openDestination(to)).not.toThrow('token');
      expect(opened).toEqual(['s3://stack']);
    },
  );

  it('refuse a list outside the buckets that were named', async () => {
    await expect(context().run.openManifest('s3://other/list.csv')).rejects.toMatchObject({
      name: 'ManifestUnreadable',
    });
  });

  it('say that a list is missing, and that it may not be read', async () => {
    const denied = new SkyhaulError('StoreDenied', 'access denied');
    const uri = 's3://stack/lists/a.csv';

    await expect(context().run.openManifest(uri)).rejects.toMatchObject({ name: 'ManifestUnreadable' });
    await expect(context({}, denied).run.openManifest(uri)).rejects.toMatchObject({
      name: 'ManifestUnreadable',
      message: `${uri}: access denied`,
    });
  });

  it('do not blame the list when the store is down', async () => {
    const down = new SkyhaulError('StoreUnavailable', 'no answer');

    await expect(context({}, down).run.openManifest('s3://stack/a.csv')).rejects.toBe(down);
  });
});

import { describe, expect } from 'vitest';
import { heartbeat, takeClaim } from '../../lib/plan/claim.ts';
import { it } from '../support/run-context.ts';

describe('the claim of a run', () => {
  it('goes to exactly one of many that reach for it at once', async ({ rig }) => {
    const contenders = Array.from({ length: 10 }, (_, index) => rig.context({ owner: { execution: `e${index}` } }));

    const results = await Promise.allSettled(contenders.map((context) => takeClaim(context, 'r')));

    expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ name: 'RunInUse' });
    }
  });

  it('goes to exactly one of many that find its owner dead', async ({ rig }) => {
    await takeClaim(rig.context({ owner: { execution: 'dead' } }), 'r');
    const isAlive = () => Promise.resolve(false);
    const heirs = Array.from({ length: 10 }, (_, index) => rig.context({ owner: { execution: `e${index}` }, isAlive }));

    const results = await Promise.allSettled(heirs.map((context) => takeClaim(context, 'r')));

    expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  });

  it('is free at once when its owner gave it up in good order', async ({ rig }) => {
    const owner = rig.context({ owner: { execution: 'first', host: 'h', pid: 1 } });
    await takeClaim(owner, 'r');
    await heartbeat(owner, 'r').stop();

    await expect(takeClaim(rig.context({ owner: { execution: 'second' } }), 'r')).resolves.toBeUndefined();
  });

  it('names the process that holds it', async ({ rig }) => {
    await takeClaim(rig.context({ owner: { execution: 'first', host: 'desk', pid: 4711 } }), 'r');

    await expect(takeClaim(rig.context({ owner: { execution: 'second' } }), 'r')).rejects.toThrow(
      'process 4711 on desk',
    );
  });
});

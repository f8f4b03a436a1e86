import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { describe, expect, it } from 'vitest';
import { observe } from '../../functions/observe.ts';

describe('what a function says of a run', () => {
  function logged(more: object) {
    const lines: unknown[] = [];
    const note = (level: string) => (message: string, fields: object) => void lines.push([level, message, fields]);
    const logger = { info: note('info'), warn: note('warn'), debug: note('debug') } as unknown as Logger;
    const { emit } = observe(logger, {} as Metrics);
    emit({ event: 'run.planned', run: 'r', round: 0, items: 1, shards: 1, ...more });
    return lines;
  }

  it('warns of options that were lowered, by their names', () => {
    expect(logged({ lowered: ['maxBytes'] })).toEqual([
      ['info', 'run.planned', expect.anything()],
      ['warn', 'run.lowered', { run: 'r', options: ['maxBytes'] }],
    ]);
  });

  it('and says nothing of those that were not', () => {
    expect(logged({})).toEqual([['info', 'run.planned', expect.anything()]]);
  });
});

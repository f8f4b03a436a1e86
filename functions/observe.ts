import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { RunEvent } from '../lib/run-context.ts';

/**
 * What the engine tells about itself, as logs and metrics. Log messages are stable dotted names. Neither URLs nor keys
 * are logged: the report has them, redacted. Items are counted, and logged one by one only at level DEBUG, since a
 * million lines would cost more than moving a million small files.
 */
export interface Observed {
  readonly emit: (event: RunEvent) => void;
  /** Writes the metrics of this invocation. */
  readonly publish: () => void;
}

export function observe(logger: Logger, metrics: Metrics): Observed {
  const count = { stored: 0, skipped: 0, failed: 0, bytes: 0 };
  return {
    emit(event) {
      switch (event.event) {
        case 'run.planned':
          logger.info(event.event, { run: event.run, round: event.round, items: event.items, shards: event.shards });
          if (event.lowered) logger.warn('run.lowered', { run: event.run, options: event.lowered });
          return;
        case 'attempt.started': {
          const { run, round, shard, slots, bufferBytes } = event;
          logger.info(event.event, { run, round, shard, slots, bufferBytes });
          return;
        }
        case 'run.waiting':
          logger.info(event.event, { run: event.run, seconds: event.seconds });
          return;
        case 'run.reported':
          logger.info(event.event, { run: event.run, counts: event.summary.counts, bytes: event.summary.bytes });
          return;
        case 'run.cleaned': {
          const { run, state, aborted, error } = event;
          // Every hour, of every run there is: only what was done or failed is worth a line.
          const level = state === 'failed' ? 'warn' : state === 'reported' ? 'info' : 'debug';
          logger[level](event.event, { run, state, aborted, failure: error });
          return;
        }
        case 'item.ended': {
          const { line, outcome, error, status, bytes, ms } = event.outcome;
          count[outcome] += 1;
          if (outcome === 'stored') count.bytes += bytes ?? 0;
          logger.debug(event.event, { line, outcome, failure: error, status, bytes, ms });
          return;
        }
        case 'item.retrying':
          logger.debug(event.event, { line: event.line, failure: event.error, afterMs: event.afterMs });
          return;
        case 'item.log':
          logger.info(event.event, { line: event.line, text: event.message });
          return;
        case 'item.started':
        case 'item.progress':
          return;
      }
    },
    publish() {
      const measured = [
        ['ItemsStored', 'Count', count.stored],
        ['ItemsSkipped', 'Count', count.skipped],
        ['ItemsFailed', 'Count', count.failed],
        ['BytesStored', 'Bytes', count.bytes],
      ] as const;
      for (const [name, unit, value] of measured) if (value > 0) metrics.addMetric(name, unit, value);
      // With nothing to say powertools would log a warning.
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    },
  };
}

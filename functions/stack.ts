import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import middy, { type MiddyfiedHandler } from '@middy/core';
import type { Context } from 'aws-lambda';
import type { ZodType } from 'zod';
import type { RunContext } from '../lib/run-context.ts';
import { openBuckets } from './buckets.ts';
import { nameError } from './name-error.ts';
import { observe } from './observe.ts';
import { createRunContext } from './run-context.ts';
import { readSettings } from './settings.ts';

/**
 * The one stack around every handler: checks the event, builds the run's context, logs and measures, and lets an error
 * out under its catalogue name. Events are never logged: inputs and shards may lead to signed URLs. It never answers
 * before the handler has; stopping in time is the engine's own matter (`deadline`).
 */
export interface Work<E, A> {
  readonly name: 'plan' | 'transfer' | 'report';
  readonly event: ZodType<E>;
  /** Strict, so that nothing but names and numbers gets into the execution's history. */
  readonly answer: ZodType<A>;
  readonly run: (event: E, context: RunContext) => Promise<A>;
  /** ARN of the execution, where the event tells it. */
  readonly executionOf?: (event: E) => string;
}

export function stack<E, A>(work: Work<E, A>): MiddyfiedHandler<unknown, A, Error> {
  const logger = new Logger({ serviceName: `skyhaul-${work.name}` });
  const metrics = new Metrics({ namespace: 'Skyhaul', serviceName: work.name });

  const handler = async (input: unknown, lambda: Context): Promise<A> => {
    const event = work.event.parse(input);
    const buckets = openBuckets();
    const { emit, publish } = observe(logger, metrics);
    try {
      const context = createRunContext({
        settings: readSettings(process.env),
        lambda,
        execution: work.executionOf?.(event),
        openBucket: buckets.open,
        emit,
      });
      return work.answer.parse(await work.run(event, context));
    } finally {
      publish();
      await buckets.close();
    }
  };

  // middy's own early timeout would answer while the handler is still cleaning up.
  return middy<unknown, A, Error>(handler, { timeoutEarlyInMillis: 0 })
    .use(injectLambdaContext(logger, { logEvent: false, resetKeys: true }))
    .use(nameError(logger, work.name));
}

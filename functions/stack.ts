import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import middy, { type MiddyfiedHandler } from '@middy/core';
import type { Context } from 'aws-lambda';
import type { ZodType } from 'zod';
import { isOwnerAlive } from '../lib/plan/owner-alive.ts';
import type { RunContext } from '../lib/run-context.ts';
import type { UserModule } from '../lib/transform/user-module.ts';
import { openBuckets } from './buckets.ts';
import type { Executions } from './executions.ts';
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
  readonly name: 'plan' | 'transfer' | 'report' | 'janitor';
  readonly event: ZodType<E>;
  /** Strict, so that nothing but names and numbers gets into the execution's history. */
  readonly answer: ZodType<A>;
  readonly run: (event: E, context: RunContext) => Promise<A>;
  /** Who claims the run; Transfer and Report claim none. */
  readonly ownerOf?: (event: E) => string;
  /** For those who have to know whether another owner is alive. */
  readonly openExecutions?: () => Executions;
  /** For those who ask sources. */
  readonly openVault?: () => { readonly read: (id: string) => Promise<string>; readonly close: () => void };
  /** For those who run the user's own code. */
  readonly loadModule?: (file: string) => Promise<UserModule>;
}

export function stack<E, A>(work: Work<E, A>): MiddyfiedHandler<unknown, A, Error> {
  const logger = new Logger({ serviceName: `skyhaul-${work.name}` });
  const metrics = new Metrics({ namespace: 'Skyhaul', serviceName: work.name });

  const handler = async (input: unknown, lambda: Context): Promise<A> => {
    const event = work.event.parse(input);
    const buckets = openBuckets();
    const executions = work.openExecutions?.();
    const vault = work.openVault?.();
    const { emit, publish } = observe(logger, metrics);
    try {
      const context = createRunContext({
        settings: readSettings(process.env),
        lambda,
        owner: work.ownerOf?.(event) ?? '',
        // Whoever cannot ask leaves the run to its owner.
        isAlive: async (owner, beatAt) =>
          !executions || isOwnerAlive(owner, beatAt, { ...executions, now: Date.now() }),
        openBucket: buckets.open,
        readSecret: vault?.read,
        loadModule: work.loadModule,
        emit,
      });
      return work.answer.parse(await work.run(event, context));
    } finally {
      publish();
      executions?.close();
      vault?.close();
      await buckets.close();
    }
  };

  // middy's own early timeout would answer while the handler is still cleaning up.
  return middy<unknown, A, Error>(handler, { timeoutEarlyInMillis: 0 })
    .use(injectLambdaContext(logger, { logEvent: false, resetKeys: true }))
    .use(nameError(logger, work.name));
}

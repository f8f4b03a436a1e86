import { readFile } from 'node:fs/promises';
import { type RunOptions, StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import type {
  Execution,
  PlanAnswer,
  PlanEvent,
  ReportAnswer,
  ReportEvent,
  TransferAnswer,
  TransferEvent,
} from '../lib/contract/machine.ts';
import { SkyhaulError, toSkyhaulError } from '../lib/errors/skyhaul-error.ts';

/**
 * Runs the synthesised state machine in this process, so that there is no second copy of the loop. It promises what
 * Step Functions does not: when it returns, no handler is running any more. It refuses distributed Maps, which need
 * Step Functions; runs on one machine are planned inline.
 */
export interface Handlers {
  readonly plan: (event: PlanEvent) => Promise<PlanAnswer>;
  readonly transfer: (event: TransferEvent) => Promise<TransferAnswer>;
  readonly report: (event: ReportEvent) => Promise<ReportAnswer>;
}

export interface MachineRun {
  /** As `readDefinition` gives it. */
  readonly definition: MachineDefinition;
  /** The batch input. */
  readonly input: unknown;
  readonly handlers: Handlers;
  readonly execution: Execution;
  /** The handlers watch it too: an abort is over when they have cleaned up. */
  readonly signal: AbortSignal;
  readonly onWait?: (seconds: number) => void;
}

type JsonValue = Parameters<StateMachine['run']>[0];

export interface MachineDefinition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

interface State {
  readonly Type: string;
  readonly TimeoutSeconds?: number;
  readonly Choices?: readonly { readonly Next: string }[];
  readonly ItemProcessor?: MachineDefinition & { readonly ProcessorConfig?: { readonly Mode?: string } };
}

/** The definition that `cdk/write-definition.ts` wrote. */
export async function readDefinition(): Promise<MachineDefinition> {
  const file = new URL('../cdk/state-machine.json', import.meta.url);
  return JSON.parse(await readFile(file, 'utf8')) as MachineDefinition;
}

/**
 * Returns the execution's output. Throws what a handler threw, as the SkyhaulError it was; `Interrupted` after an abort.
 * Both only when every handler in flight has returned.
 */
export async function runMachine(run: MachineRun): Promise<unknown> {
  const { signal } = run;
  const inFlight = new Set<Promise<unknown>>();
  if (signal.aborted) throw interrupted();

  const machine = new StateMachine(localDefinition(run.definition) as unknown as StateMachineDefinition, {
    // It is checked by our tests; here it would cost start-up time and write into the definition.
    validationOptions: { noValidate: true },
  });
  const execution = machine.run(run.input as JsonValue, {
    overrides: { taskResourceLocalHandlers: localHandlers(run, inFlight) },
    context: { Execution: { Id: run.execution.id, Name: run.execution.name } },
  });
  signal.addEventListener('abort', execution.abort, { once: true });
  const log = followLog(execution.eventLogs, run.onWait);
  try {
    return await execution.result;
  } catch (error) {
    if (signal.aborted) throw interrupted();
    throw toSkyhaulError(error instanceof Error && error.cause !== undefined ? error.cause : error);
  } finally {
    signal.removeEventListener('abort', execution.abort);
    while (inFlight.size > 0) await Promise.allSettled(inFlight);
    await log;
  }
}

function interrupted(): SkyhaulError {
  return new SkyhaulError('Interrupted', 'the run was stopped');
}

/** setTimeout's longest, in seconds: 24 days. The interpreter's default is one minute. */
const NO_TIMEOUT_SECONDS = 2_147_483;

/** No task has a deadline here, and there is nobody to run a distributed Map. */
function localDefinition(definition: MachineDefinition): MachineDefinition {
  const isLocal = (name: string) => definition.States[name]?.ItemProcessor?.ProcessorConfig?.Mode !== 'DISTRIBUTED';
  const states = Object.entries(definition.States)
    .filter(([name]) => isLocal(name))
    .map(([name, state]): [string, State] => [
      name,
      {
        ...state,
        ...(state.Type === 'Task' && { TimeoutSeconds: NO_TIMEOUT_SECONDS }),
        ...(state.Choices && { Choices: state.Choices.filter((choice) => isLocal(choice.Next)) }),
        ...(state.ItemProcessor && {
          ItemProcessor: { ...state.ItemProcessor, ...localDefinition(state.ItemProcessor) },
        }),
      },
    ]);
  return { ...definition, States: Object.fromEntries(states) };
}

type LocalHandlers = NonNullable<NonNullable<RunOptions['overrides']>['taskResourceLocalHandlers']>;

function localHandlers(run: MachineRun, inFlight: Set<Promise<unknown>>): LocalHandlers {
  const { plan, transfer, report } = run.handlers;
  // After an abort the interpreter still enters the first state of each Map item that is queued.
  const local = <E>(handler: (event: E) => Promise<unknown>) => {
    return async (input: JsonValue): Promise<JsonValue> => {
      if (run.signal.aborted) throw interrupted();
      const call = handler(overTheWire(input) as E);
      inFlight.add(call);
      try {
        return overTheWire(await call);
      } catch (error) {
        throw toSkyhaulError(error);
      } finally {
        inFlight.delete(call);
      }
    };
  };
  return {
    // The interpreter puts its own clock into the context object.
    Plan: local((event: PlanEvent) =>
      plan({ ...event, execution: { ...event.execution, startedAt: run.execution.startedAt } }),
    ),
    Transfer: local(transfer),
    Report: local(report),
  };
}

/** A handler gets and gives JSON, here as on Lambda: nothing is shared by reference, nothing else gets through. */
function overTheWire(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}

/** Reads the event log to its end. Unread it would grow for as long as the run lasts. */
async function followLog(
  log: ReturnType<StateMachine['run']>['eventLogs'],
  onWait: MachineRun['onWait'],
): Promise<void> {
  for await (const event of log) {
    if (event.type !== 'StateEntered' || event.state.type !== 'Wait') continue;
    const { waitSeconds } = event.state.input as { waitSeconds?: unknown };
    if (typeof waitSeconds === 'number') onWait?.(waitSeconds);
  }
}

import { planAnswer, planEvent } from '../lib/contract/machine.ts';
import { planRun } from '../lib/plan/plan-run.ts';
import { openExecutions } from './executions.ts';
import { stack } from './stack.ts';

export const handler = stack({
  name: 'plan',
  event: planEvent,
  answer: planAnswer,
  run: planRun,
  ownerOf: (event) => event.execution.id,
  openExecutions,
});

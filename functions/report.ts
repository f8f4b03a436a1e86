import { reportAnswer, reportEvent } from '../lib/contract/machine.ts';
import { reportRun } from '../lib/report/report-run.ts';
import { stack } from './stack.ts';

export const handler = stack({ name: 'report', event: reportEvent, answer: reportAnswer, run: reportRun });

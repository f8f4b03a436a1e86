import { transferAnswer, transferEvent } from '../lib/contract/machine.ts';
import { transferShard } from '../lib/transfer/transfer-shard.ts';
import { stack } from './stack.ts';

export const handler = stack({ name: 'transfer', event: transferEvent, answer: transferAnswer, run: transferShard });

import { transferAnswer, transferEvent } from '../lib/contract/machine.ts';
import { awsVault } from '../lib/transfer/read-secret.ts';
import { transferShard } from '../lib/transfer/transfer-shard.ts';
import { loadModule } from './load-module.ts';
import { stack } from './stack.ts';

export const handler = stack({
  name: 'transfer',
  event: transferEvent,
  answer: transferAnswer,
  run: transferShard,
  openVault: () => awsVault(),
  loadModule,
});

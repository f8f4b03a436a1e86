import { type Command, Option } from 'commander';
import { formatChoices, overwriteChoices } from './list-flags.ts';

const collect = (value: string, before: readonly string[] = []) => [...before, value];

/** The options about a list that `run` and `submit` share. What they mean stands in list-flags.ts. */
export function addListOptions(command: Command): Command {
  return command
    .addOption(new Option('--format <format>', 'of the list (default: by its name)').choices(formatChoices))
    .option('--url-column <name>', 'column of the URL (default: found by its usual names)')
    .option('--key-column <name>', 'column of the key (default: key)')
    .option('-H, --header <header>', '"Name: value" for every request; may be repeated', collect)
    .option('--user-agent <text>', 'instead of skyhaul and its version')
    .option('--transform <step>', 'gunzip, or {"name":"csv","where":"…"}; may be repeated', collect)
    .addOption(new Option('--overwrite <policy>', 'where an object stands already').choices(overwriteChoices))
    .option('--max-concurrency <n>', 'shards worked on at once (default: 4 and at most 40; deployed 50)')
    .option('--slots <n>', 'items at once in one shard (default: from memory)')
    .option('--per-host-connections <n>', 'connections to one host (default: 6)')
    .option('--attempts <n>', 'for each item (default: 5)')
    .option('--max-bytes <size>', 'largest item, such as 5GiB')
    .option('--limit <n>', 'only the first n items of the list')
    .option('--skip-invalid', 'bad lines become failed items instead of stopping the run')
    .option('--connect-timeout <time>', 'such as 10s (default)')
    .option('--headers-timeout <time>', 'such as 30s (default)')
    .option('--idle-timeout <time>', 'longest pause within a body, such as 30s (default)')
    .option('--timeout <time>', 'for a whole item (default: none)');
}

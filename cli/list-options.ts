import { type Command, Option } from 'commander';
import { group } from './help-text.ts';
import { duplicatesChoices, formatChoices, overwriteChoices } from './list-flags.ts';

const collect = (value: string, before: readonly string[] = []) => [...before, value];

/** The options about a list that `run` and `submit` share. What they mean stands in list-flags.ts. */
export function addListOptions(command: Command): Command {
  return addWorkOptions(addReadingOptions(command));
}

function addReadingOptions(command: Command): Command {
  return command
    .optionsGroup(group.list)
    .addOption(
      new Option('--format <format>', 'of the list (default: by its name, else by its content)').choices(formatChoices),
    )
    .option('--url-column <name>', 'column of the URL (default: found by its usual names)')
    .option('--key-column <name>', 'column of the key (default: key)')
    .option('--key <template>', 'of keys that the list does not give (default: {host}/{path})')
    .option('--no-expand', 'take {1..9} and {a,b} in URLs as they are');
}

/** Those that do not depend on how the list is written. */
export function addWorkOptions(command: Command): Command {
  command
    .optionsGroup(group.list)
    .option('--limit <n>', 'a trial: only the first n items; the rest is reported as LimitReached')
    .option('--skip-invalid', 'bad lines become failed items instead of stopping the run');
  command
    .optionsGroup(group.requests)
    .option('-H, --header <header>', '"Name: value" for every request; may be repeated', collect)
    .option('--user-agent <text>', 'instead of skyhaul and its version')
    .option('--contact <address>', 'e-mail address or URL of yours, for those who run the sources')
    .option('--robots', 'obey the robots.txt of every host')
    .option('--proxy <url>', 'http(s)://host:port, or {"url":…,"username":…,"password":…}');
  command
    .optionsGroup(group.objects)
    .option('--transform <step>', 'gunzip, or {"name":"csv","where":"…"}; may be repeated', collect)
    .addOption(
      new Option('--overwrite <policy>', 'where an object stands already (default: if-changed)').choices(
        overwriteChoices,
      ),
    )
    .addOption(
      new Option('--duplicates <how>', 'lines that ask for the same under other keys (default: fetch)').choices(
        duplicatesChoices,
      ),
    )
    .option('--max-bytes <size>', 'largest item, such as 5GiB');
  command
    .optionsGroup(group.speed)
    .option('--max-concurrency <n>', 'shards worked on at once (default: 4 and at most 40; deployed 50)')
    .option('--slots <n>', 'items at once in one shard (default: from memory)')
    .option('--per-host-connections <n>', 'connections to one host (default: 6)')
    .option('--per-host-rate <n>', 'requests a second to one host; 5:20 with a burst of 20 (default: none)')
    .option('--host <rule>', '"*.example.com=2,0.5": connections and rate of these hosts; may be repeated', collect)
    .option('--max-bytes-per-second <size>', 'read by the whole run, such as 20MiB (default: none)');
  return command
    .optionsGroup(group.ends)
    .option('--attempts <n>', 'for each item (default: 5)')
    .option('--connect-timeout <time>', 'such as 10s (default)')
    .option('--headers-timeout <time>', 'such as 30s (default)')
    .option('--idle-timeout <time>', 'longest pause within a body, such as 30s (default)')
    .option('--timeout <time>', 'for a whole item (default: none)')
    .option('--host-attempts <n>', 'times in a row that a host is parked before its items fail (default: 8)')
    .option('--host-timeout <time>', 'the same as a time, such as 30m (default: none)')
    .option('--max-failures <n>', 'more failed lines end the run; the rest is reported as LimitReached')
    .option('--max-total-bytes <size>', 'of all objects that the run stores, such as 500GiB')
    .option('--max-hours <n>', 'longest time of the run (default: 72)');
}

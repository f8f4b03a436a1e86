/**
 * A module for Skyhaul that writes Parquet from JSON Lines, one row group after another. The option `columns` names them
 * with their types, such as `{ "id": "INT32", "name": "STRING" }`; what a line does not have is null.
 */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { type BasicType, ByteWriter, type ColumnSource, parquetWriteRows, type Writer } from 'hyparquet-writer';
import type { TransformContext } from 'skyhaul';

type Input = AsyncIterable<Uint8Array>;
type Row = Record<string, unknown>;

/** Rows that are held in memory at once. */
const ROWS = 10_000;

/** With two parameters it gets the input and returns what is to be stored. */
export default function jsonlToParquet(input: Input, { options }: TransformContext): Input {
  const { columns = {} } = options;
  const types = Object.entries(columns as Record<string, BasicType>);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const out = writable.getWriter();
  parquetWriteRows({
    writer: writerTo(out),
    rows: rowsOf(input),
    columns: types.map(([name, type]): Omit<ColumnSource, 'data'> => ({ name, type, nullable: true })),
    rowGroupSize: ROWS,
  })?.then(
    () => out.close(),
    // Whoever reads learns of it.
    (error: unknown) => out.abort(error),
  );
  return readable;
}

/** Hands each row group on, and waits until there is room for the next one. */
function writerTo(out: WritableStreamDefaultWriter<Uint8Array>): Writer {
  const file = new ByteWriter();
  const flush = async () => {
    const group = Uint8Array.from(file.getBytes());
    file.index = 0;
    await out.write(group);
  };
  return Object.assign(file, { flush, finish: flush });
}

async function* rowsOf(input: Input): AsyncGenerator<Row> {
  let number = 0;
  for await (const line of createInterface({ input: Readable.from(input), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (line !== '') yield rowOf(line, number);
  }
}

function rowOf(line: string, number: number): Row {
  try {
    return JSON.parse(line) as Row;
  } catch (cause) {
    throw new Error(`line ${number} is no JSON`, { cause });
  }
}

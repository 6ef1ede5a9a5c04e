import type { Range } from "../../bench/range.ts";
import type { Row } from "../../bench/rows.ts";

/** A figure without a range. */
export const same = (value: number): Range => ({ median: value, min: value, max: value });

/** A row of a server on Deno; Trunkline's unless it says otherwise. */
export function row(server: string, deliveries: number, more: Partial<Row> = {}): Row {
  return {
    bench: "b",
    server,
    runtime: "deno",
    peer: "trunkline",
    repetitions: 1,
    deliveriesPerSecond: same(deliveries),
    delivered: 1,
    expected: 1,
    rssMb: same(1),
    deliveriesPerCpuSecond: same(1),
    loadClientBusy: same(1),
    heapGrowthMb: same(1),
    ...more,
  };
}

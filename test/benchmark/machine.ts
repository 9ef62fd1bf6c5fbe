/** What a measurement was made on: without it, its numbers say little. */
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

export interface Machine {
  readonly date: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: `${type()} ${release()}`,
    node: process.version,
  };
}

export function machineLine({ date, cores, cpu, memoryGb, kernel, node }: Machine): string {
  return `${date}, ${cores} cores (${cpu}), ${memoryGb} GB, ${kernel}, Node ${node}`;
}

/** What a measurement was made on: without it, its numbers say little. */
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

export interface Machine {
  readonly date: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the last minute: what others did meanwhile, when it is read before the measurement. */
  readonly load: number;
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: `${type()} ${release()}`,
    node: process.version,
    load: loadavg()[0]!,
  };
}

export function machineLine({ date, cores, cpu, memoryGb, kernel, node, load }: Machine): string {
  return `${date}, ${cores} cores (${cpu}), ${memoryGb} GB, ${kernel}, Node ${node}; load before ${load.toFixed(1)}`;
}

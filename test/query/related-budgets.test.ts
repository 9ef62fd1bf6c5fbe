import { expect, test } from 'vitest';
import { relatedBudgetsMs } from '../../collector/query/related-budgets.ts';

const groups = [
  { from: null, to: 'gateway', budgetsMs: [] },
  { from: 'gateway', to: 'checkout', budgetsMs: [3000] },
  { from: 'checkout', to: 'payments', budgetsMs: [1000, 3000] },
  { from: 'payments', to: 'checkout', budgetsMs: [200] },
  { from: 'gateway', to: 'search', budgetsMs: [500] },
  { from: 'report', to: 'ledger', budgetsMs: [60_000] },
];
const of = (service: string) => relatedBudgetsMs(groups, [service], [service]).toSorted((a, b) => a - b);

test('are those of calls above a service and below it, also in a ring, and no others', () => {
  expect(of('payments')).toEqual([200, 1000, 3000]);
  expect(of('search')).toEqual([500]);
  expect(of('gateway')).toEqual([200, 500, 1000, 3000]);
  expect(of('ledger')).toEqual([60_000]);
  expect(of('nobody')).toEqual([]);
});

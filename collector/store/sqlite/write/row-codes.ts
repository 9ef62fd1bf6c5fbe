/** The codes of rows, as the rollups want them told. */
import {
  CLIENT,
  CONSUMER,
  ERROR,
  IS_RETRY,
  IS_STREAM,
  NEVER_ARRIVED,
  OK,
  PRODUCER,
  SERVER,
  TIMEOUT,
} from '../../columns/codes.ts';
import type { RowCodes } from '../../rollup/tally.ts';

export const ROW_CODES: RowCodes = {
  client: CLIENT,
  producer: PRODUCER,
  server: SERVER,
  consumer: CONSUMER,
  ok: OK,
  error: ERROR,
  timeout: TIMEOUT,
  isStream: IS_STREAM,
  isRetry: IS_RETRY,
  neverArrived: NEVER_ARRIVED,
};

/** What the routes of all compatible APIs have in common: they ignore parameters they do not know, and err as the API does. */
import { toHttpError, type HttpError } from '../http-error.ts';
import type { BodyAnswer, Route } from '../route.ts';
import type { Schema } from '../schema.ts';

/** How an API writes what it cannot answer. */
export interface ErrorForm {
  readonly gives: Readonly<Record<string, Schema>>;
  write(error: HttpError): Pick<BodyAnswer, 'type' | 'body'>;
}

export function withErrors(routes: readonly Route[], form: ErrorForm): Route[] {
  return routes.map((route) => ({
    ...route,
    ignoresUnknown: true,
    errorGives: form.gives,
    errors: [...(route.errors ?? []), 503],
    handle: async (exchange) => {
      try {
        return await route.handle(exchange);
      } catch (error) {
        const httpError = toHttpError(error);
        // Our own fault: it is logged, and says nothing of itself.
        if (httpError.status === 500) throw error;
        const { status } = httpError;
        const isBusy = status === 429 || status === 503;
        return { status, ...form.write(httpError), ...(isBusy && { headers: { 'retry-after': '1' } }) };
      }
    },
  }));
}

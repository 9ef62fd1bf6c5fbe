/** Stores what the body of a request holds, whatever it is written in; every request is counted as the intake counts them. */
import type { IncomingMessage } from 'node:http';
import { readBody } from '../../receive/read-body.ts';
import { Cancelled, StoreUnavailable } from '../../store/store.ts';
import type { Route } from '../route.ts';
import type { Sources } from '../sources.ts';
import type { Imported } from '../wire.ts';

/** `toOtlp` makes an OTLP request of the body, or throws. Rejects with what it threw, or with an error of body or store. */
export async function takeTraces(
  { intake, maxRequestBytes }: Pick<Sources, 'intake' | 'maxRequestBytes'>,
  request: IncomingMessage,
  toOtlp: (body: Buffer) => Uint8Array,
  isForwarded = true,
): Promise<Imported> {
  try {
    const otlp = toOtlp(await readBody(request, maxRequestBytes, intake));
    const { stored, duplicate, refused, refusedMessage, warning } = await intake.accept(otlp, isForwarded);
    return { stored, duplicate, refused, message: refusedMessage || warning };
  } catch (error) {
    // What is to be tried again later, the intake has counted itself; who went away was refused nothing.
    if (!(error instanceof StoreUnavailable || error instanceof Cancelled)) intake.noteRefused();
    throw error;
  }
}

/** Of routes that take spans, what is turned away before they see it is counted as well. */
export function countRefused(routes: readonly Route[], { intake }: Pick<Sources, 'intake'>): Route[] {
  return routes.map((route) => ({ ...route, noteRefused: () => intake.noteRefused() }));
}

/**
 * Tells of the events of HTTP messages without listening: a listener would be counted, warned of, and called among the
 * program's own. `emit` of the three classes of `node:http` is replaced, once; a message that nobody watches passes through.
 */
import type { EventEmitter } from 'node:events';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from '@opentelemetry/api';
import { activeContext, runIn } from './context.ts';
import { reportFault } from './guard.ts';
import { Given } from './given.ts';
import { putOver } from './put-over.ts';

export interface Watcher {
  /** The context that the program's listeners run in; undefined: whichever it is. */
  within: Context | undefined;
  /** An event is about to reach the program's listeners, with its first argument. */
  emitted(event: string | symbol, emitter: object, argument: unknown): void;
}

/** Watchers of requests that are sent, of messages that come in, and of answers: one class for each, see `given.ts`. */
class WatchedRequest extends Given {
  #watcher: Watcher;

  constructor(request: ClientRequest, watcher: Watcher) {
    super(request);
    this.#watcher = watcher;
  }

  static by(request: object): Watcher | undefined {
    return #watcher in request ? request.#watcher : undefined;
  }
}

class WatchedMessage extends Given {
  #watcher: Watcher;

  constructor(message: IncomingMessage, watcher: Watcher) {
    super(message);
    this.#watcher = watcher;
  }

  static by(message: object): Watcher | undefined {
    return #watcher in message ? message.#watcher : undefined;
  }
}

class WatchedResponse extends Given {
  #watcher: Watcher;

  constructor(response: ServerResponse, watcher: Watcher) {
    super(response);
    this.#watcher = watcher;
  }

  static by(response: object): Watcher | undefined {
    return #watcher in response ? response.#watcher : undefined;
  }
}

/** From now on, the watcher hears when the request gets its socket, has been handed to it, and is over. */
export function watchRequest(request: ClientRequest, watcher: Watcher): void {
  if (!isWatching) watchMessages();
  new WatchedRequest(request, watcher);
}

export function watcherOf(request: ClientRequest): Watcher | undefined {
  return WatchedRequest.by(request);
}

/** From now on, the watcher hears when the message has come to its end. To be called once for each, as the others. */
export function watchMessage(message: IncomingMessage, watcher: Watcher): void {
  if (!isWatching) watchMessages();
  new WatchedMessage(message, watcher);
}

/** From now on, the watcher hears when the answer is ended, and when it is over. */
export function watchResponse(response: ServerResponse, watcher: Watcher): void {
  if (!isWatching) watchMessages();
  new WatchedResponse(response, watcher);
}

let isWatching = false;

/** With the first message: before, a program that does not use `http` would load it for nothing. */
function watchMessages(): void {
  isWatching = true;
  const { ClientRequest, IncomingMessage, ServerResponse } = process.getBuiltinModule('node:http');
  const requestParent = replaceEmit(ClientRequest.prototype, function emit(event, argument) {
    if (event === 'socket' || event === 'finish' || event === 'close' || event === 'error') {
      const watcher = WatchedRequest.by(this);
      if (watcher !== undefined) tell(watcher, event, this, argument);
    }
    // As they are, without a list of them, which most events can do without.
    if (arguments.length === 1) return requestParent.emit.call(this, event);
    if (arguments.length === 2) return requestParent.emit.call(this, event, argument);
    return Reflect.apply(requestParent.emit, this, arguments);
  });
  // The events of a body are emitted in the context of the connection: a handler may call out from `end`.
  const messageParent = replaceEmit(IncomingMessage.prototype, function emit(event, argument) {
    const watcher = WatchedMessage.by(this);
    if (watcher !== undefined) {
      if (event === 'end' || event === 'close') tell(watcher, event, this, argument);
      const { within } = watcher;
      if (within !== undefined && this.listenerCount(event) > 0 && activeContext() !== within)
        return runIn(within, emitBound(messageParent.emit, this, Array.from(arguments)));
    }
    if (arguments.length === 1) return messageParent.emit.call(this, event);
    if (arguments.length === 2) return messageParent.emit.call(this, event, argument);
    return Reflect.apply(messageParent.emit, this, arguments);
  });
  const responseParent = replaceEmit(ServerResponse.prototype, function emit(event, argument) {
    const watcher = WatchedResponse.by(this);
    if (watcher !== undefined) {
      if (event === 'prefinish' || event === 'close') tell(watcher, event, this, argument);
      const { within } = watcher;
      if (within !== undefined && this.listenerCount(event) > nodesOwn(event) && activeContext() !== within)
        return runIn(within, emitBound(responseParent.emit, this, Array.from(arguments)));
    }
    if (arguments.length === 1) return responseParent.emit.call(this, event);
    if (arguments.length === 2) return responseParent.emit.call(this, event, argument);
    return Reflect.apply(responseParent.emit, this, arguments);
  });
}

/** Gives the object whose `emit` the new one passes everything on to. */
function replaceEmit(
  prototype: EventEmitter,
  emit: (this: EventEmitter, event: string | symbol, argument: unknown) => boolean,
): { emit: EventEmitter['emit'] } {
  return putOver(prototype, 'emit', emit as EventEmitter['emit']);
}

/**
 * How many listeners of an answer are Node's: its server listens to the end of each, before the program can. For that alone
 * no context is entered, which makes two tables: one to enter it, and one to leave.
 */
function nodesOwn(event: string | symbol): number {
  return event === 'finish' ? 1 : 0;
}

function tell(watcher: Watcher, event: string | symbol, emitter: EventEmitter, argument: unknown): void {
  try {
    watcher.emitted(event, emitter, argument);
  } catch (error) {
    reportFault('an observer failed', error);
  }
}

function emitBound(emit: EventEmitter['emit'], emitter: EventEmitter, parts: unknown[]): () => boolean {
  return () => Reflect.apply(emit, emitter, parts);
}

/** Listening to diagnostics channels, as everything the hook observes: an error costs a span, not a request. */
import { subscribe } from 'node:diagnostics_channel';
import { guard } from './guard.ts';

export function onChannel<Message>(channel: string, observe: (message: Message) => void): void {
  subscribe(
    channel,
    guard((message) => observe(message as Message)),
  );
}

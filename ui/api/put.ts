/** Changes something by our HTTP API; an ApiError says why it was not. */
import { ask } from './get.ts';

export async function putJson<T>(url: string, body: object): Promise<T> {
  const response = await ask(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

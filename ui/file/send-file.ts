/** Sends a file and tells how far it came, which `fetch` does not. */
import type { WireError } from '../../collector/serve/wire.ts';
import { ApiError } from '../api/get.ts';

/** `onprogress` gets shares from 0 to 1. Rejects with an ApiError, or with the signal's reason. */
export function sendFile<T>(
  url: string,
  file: Blob,
  onprogress: (share: number) => void,
  signal: AbortSignal,
): Promise<T> {
  const request = new XMLHttpRequest();
  return new Promise<T>((resolve, reject) => {
    request.upload.addEventListener('progress', ({ loaded, total }) =>
      onprogress(total > 0 ? loaded / total : 1),
    );
    request.addEventListener('load', () => {
      const answer = readJson(request.responseText);
      if (request.status === 200) resolve(answer as T);
      else reject(asApiError(request.status, answer as WireError | null));
    });
    request.addEventListener('error', () =>
      reject(new ApiError(0, 'The collector does not answer.', 'a running collector at this address', null)),
    );
    signal.addEventListener('abort', () => {
      request.abort();
      reject(signal.reason as Error);
    });
    request.open('POST', url);
    request.send(file);
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function asApiError(status: number, body: WireError | null): ApiError {
  const { message = `The collector answered ${status}.`, expected = null } = body?.error ?? {};
  return new ApiError(status, message, expected, null);
}

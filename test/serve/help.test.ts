import { expect, it } from 'vitest';
import { CAUSES } from '../../collector/diagnose/causes.ts';
import { helpRoutes, writeCausePage } from '../../collector/serve/api/help.ts';
import { escapeHtml } from '../../collector/serve/html.ts';
import { HttpError } from '../../collector/serve/http-error.ts';

async function page(code: string, query = ''): Promise<string> {
  const route = helpRoutes().find(({ path }) => path === '/help/causes/:code');
  const answer = await route?.handle({
    path: { code },
    query: new URLSearchParams(query),
  } as unknown as Parameters<typeof route.handle>[0]);
  return answer && 'body' in answer ? String(answer.body) : '';
}

it('every cause has a page with all that is known of it and no hole left open', () => {
  for (const cause of CAUSES.values()) {
    const html = writeCausePage(cause, new Map());
    for (const part of ['How it is recognised', 'How to confirm it', 'What fixes it', escapeHtml(cause.fix)])
      expect(html).toContain(part);
    expect(html).not.toMatch(/(?<!%)\{\w+\}/);
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(html.match(/<h1>/g)).toHaveLength(1);
    expect(html).not.toMatch(/<script| style=| on\w+=/);
  }
});

it('a code is taken in either case', async () => {
  expect(await page('b1')).toBe(await page('B1'));
  expect(await page('unknown')).toContain('Cause unknown');
});

it('an unknown code is a 404 that names the known ones', async () => {
  await expect(page('Z9')).rejects.toMatchObject({ status: 404, details: { got: 'Z9' } });
  await expect(page('__proto__')).rejects.toBeInstanceOf(HttpError);
});

it('host and port of a link stand in the commands', async () => {
  expect(await page('B1', 'host=10.0.3.7&port=8443')).toContain('nc -vz -w 5 10.0.3.7 8443');
  expect(await page('B1', 'host=::1&port=8443')).toContain('nc -vz -w 5 ::1 8443');
});

it.each([
  '-oProxyCommand=x',
  '--help',
  '$(reboot)',
  '10.0.0.1;reboot',
  'a b',
  '`x`',
  "'",
  '"><script>',
  'a\nb',
  'x'.repeat(256),
])('nothing that a shell or a browser would read gets in: %j', async (host) => {
  await expect(page('B1', new URLSearchParams({ host }).toString())).rejects.toMatchObject({ status: 400 });
});

it('text stays text in HTML', () => {
  expect(escapeHtml(`<img src=x onerror="alert('&')">`)).toBe(
    '&#60;img src=x onerror=&#34;alert(&#39;&#38;&#39;)&#34;&#62;',
  );
});

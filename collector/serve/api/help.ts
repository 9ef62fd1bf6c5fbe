/** `/help`: what each cause is, as a page that a verdict, a terminal or a colleague can link to. */
import { CAUSES, type Cause } from '../../diagnose/causes.ts';
import { escapeHtml, STYLE, writeDocument } from '../html.ts';
import { badParameter, notFound } from '../http-error.ts';
import { textParameter } from '../parameters.ts';
import type { Route } from '../route.ts';
import { text } from '../schema.ts';

/** What stands for `{…}` in titles and commands when the link does not say. */
const PLACEHOLDERS = {
  peer: { inText: 'the callee', inCommand: 'PEER' },
  service: { inText: 'the service', inCommand: 'SERVICE' },
  host: { inText: 'the host', inCommand: 'HOST' },
  port: { inText: 'the port', inCommand: 'PORT' },
  pid: { inText: 'the process', inCommand: 'PID' },
} as const;
type Placeholder = keyof typeof PLACEHOLDERS;
const NAMES = Object.keys(PLACEHOLDERS) as Placeholder[];
/** Which URL hung is known to a verdict, not to a page about its cause. */
const ANY_URL = 'http://{host}:{port}/';
/** Commands are made to be pasted into a shell: nothing that a shell would read gets in, and nothing that is an option. */
const SHELL_SAFE = /^[\w:][\w.:-]{0,254}$/;

export function helpRoutes(): Route[] {
  return [
    {
      method: 'GET',
      path: '/help/causes/:code',
      summary: 'What a cause is, how it is recognised and confirmed, and what fixes it',
      segments: [{ name: 'code', description: 'A1 … G6, or unknown', schema: text }],
      query: NAMES.map((name) => ({ name, description: `Fills {${name}} in its commands`, schema: text })),
      gives: { 'text/html': text },
      errors: [404],
      handle: ({ path, query }) => {
        const cause = findCause(path.code ?? '');
        return { type: 'text/html; charset=utf-8', body: writeCausePage(cause, readValues(query)) };
      },
    },
    {
      method: 'GET',
      path: '/help/help.css',
      summary: 'The style of the help pages',
      gives: { 'text/css': text },
      handle: () => ({
        type: 'text/css; charset=utf-8',
        body: STYLE,
        headers: { 'cache-control': 'no-cache' },
      }),
    },
  ];
}

function findCause(code: string): Cause {
  const cause = CAUSES.get(code === 'unknown' ? code : code.toUpperCase());
  if (cause === undefined) throw notFound('cause', code, [...CAUSES.keys()].join(', '));
  return cause;
}

function readValues(query: URLSearchParams): ReadonlyMap<Placeholder, string> {
  const values = new Map<Placeholder, string>();
  for (const name of NAMES) {
    const value = textParameter(query, name);
    if (value === null) continue;
    if (!SHELL_SAFE.test(value))
      throw badParameter(name, value, 'letters, digits, and . _ : -, the first none of . and -');
    values.set(name, value);
  }
  return values;
}

export function writeCausePage(cause: Cause, values: ReadonlyMap<Placeholder, string>): string {
  const inText = (template: string) => escapeHtml(fill(template, values, 'inText'));
  const checks = cause.confirm.map(
    ({ text, command }) =>
      `<li>${inText(text)}\n<pre><code>${escapeHtml(fill(command.replaceAll('{url}', ANY_URL), values, 'inCommand'))}</code></pre></li>`,
  );
  const siblings = [...CAUSES.values()]
    .filter(({ category, code }) => category === cause.category && code !== cause.code)
    .map(({ code, title }) => {
      const name = capitalize(escapeHtml(fill(title, new Map(), 'inText')));
      return `<li><a href="/help/causes/${code}">${code}</a> ${name}</li>`;
    });
  const title = capitalize(fill(cause.title, values, 'inText'));
  return writeDocument(
    `${cause.code}: ${title}`,
    `<p class="muted">Cause ${cause.code} · ${cause.category}</p>
<h1>${escapeHtml(title)}</h1>
<p>${inText(cause.is)}</p>
<h2>How it is recognised</h2>
<p>${inText(cause.recognised)}</p>
<h2>What tells it apart</h2>
<p>${capitalize(inText(cause.decides))}.</p>
<h2>How to confirm it</h2>
<ul>
${checks.join('\n')}
</ul>
<h2>What fixes it</h2>
<p>${inText(cause.fix)}</p>
${siblings.length === 0 ? '' : `<h2>Other causes of this kind</h2>\n<ul>\n${siblings.join('\n')}\n</ul>`}`,
  );
}

function fill(
  template: string,
  values: ReadonlyMap<Placeholder, string>,
  form: 'inText' | 'inCommand',
): string {
  return template.replaceAll(/\{(peer|service|host|port|pid)\}/g, (_, name: Placeholder) => {
    return values.get(name) ?? PLACEHOLDERS[name][form];
  });
}

function capitalize(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

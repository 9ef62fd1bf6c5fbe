/** The few whole HTML pages that the collector writes itself, in the page's look, in both themes. Pure. */

/** Text as text, wherever it stands in HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** `body` is HTML already; `title` is text. */
export function writeDocument(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${escapeHtml(title)} · Sockeye</title>
    <link rel="stylesheet" href="/help/help.css">
  </head>
  <body>
    <header><a href="/">Sockeye</a></header>
    <main>
${body}
    </main>
  </body>
</html>
`;
}

/** What a browser shows when the page was not built; the APIs work without it. */
export const MISSING_PAGE = writeDocument(
  'The page is not built',
  `<h1>The web page has not been built</h1>
<p>The collector runs and takes spans. To build its page, run this in the repository, then reload:</p>
<pre><code>npm run build</code></pre>
<p><code>npm start</code> builds it by itself. The API works without it: <a href="/api/openapi.json">/api/openapi.json</a>.</p>`,
);

export const STYLE = `:root {
  color-scheme: light dark;
  --bg: light-dark(#f6f7f9, #0e1116);
  --surface: light-dark(#fff, #151a21);
  --line: light-dark(#e3e6ea, #262d38);
  --text: light-dark(#12161c, #e8ecf2);
  --muted: light-dark(#566070, #a3adbb);
  --accent: light-dark(#0b6bcb, #5aa9f5);
}
* { box-sizing: border-box }
body {
  margin: 0;
  background: var(--bg);
  color: var(--text);
  font: 14px/1.6 Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
header { padding: 12px 16px; background: var(--surface); border-bottom: 1px solid var(--line); font-weight: 650 }
main { max-width: 720px; margin: 0 auto; padding: 24px 16px 32px }
h1 { margin: 0 0 4px; font-size: 20px; line-height: 1.3 }
h2 { margin: 24px 0 4px; font-size: 16px }
p, ul, ol { margin: 8px 0 }
.muted { color: var(--muted) }
a { color: var(--accent) }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
code, pre { font: 13px/1.5 "JetBrains Mono", ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 8px 0; padding: 12px; background: var(--surface); border: 1px solid var(--line); border-radius: 8px }
`;

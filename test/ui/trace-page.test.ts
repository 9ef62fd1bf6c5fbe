/** The page of a trace: verdict, waterfall, keys, filters, and what comes while one looks. */
import { afterEach, describe, expect, it } from 'vitest';
import diagnosis from './fixtures/diagnosis-connect-timeout.json';
import trace from './fixtures/trace-connect-timeout.json';
import { openPage, TRACE_ID, type Answers, type OpenPage } from './open-page.ts';

let page: OpenPage;
/** On a busy machine an answer takes its time. */
const soon = { timeout: 5000 };
afterEach(() => page.close());

const open = async (path: string, changes: Answers = {}) => (page = await openPage(path, changes));
const originId = '0000000000000009';

describe('a trace', () => {
  const choose = async (label: string, value: string) => {
    const select = page.find(`select[aria-label="${label}"]`) as HTMLSelectElement;
    select.value = value;
    select.dispatchEvent(new Event('change', { bubbles: true }));
  };

  it('opened from an incident shows the verdict of that, whichever explains the root', async () => {
    const [verdict] = diagnosis.verdicts;
    const refused = {
      ...verdict!,
      giveUp: { ...verdict!.giveUp, kind: 'refused' },
      origin: { ...verdict!.origin, edge: 'checkout->shipping' },
      sentence: 'checkout was turned away by shipping:80 after 0.001 s: the connection was refused.',
    };
    const both = {
      [`/api/traces/${TRACE_ID}/diagnosis`]: { ...diagnosis, verdicts: [verdict, refused] },
    };
    await open(`/trace/${TRACE_ID}?incident=refused%2Cconnect%2Ccheckout-%3Eshipping`, both);
    await expect.poll(() => page.all('.verdict h1')[0]?.textContent, soon).toContain('turned away by');
    await page.close();
    await open(`/trace/${TRACE_ID}?incident=of+no+verdict`, both);
    await expect.poll(() => page.all('.verdict h1')[0]?.textContent, soon).toContain('never completed');
  });

  it('begins with the verdict, how sure it is, and what would decide', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('checkout gave up on payments:8443 after 3.000 s');
    await expect.poll(page.text, soon).toContain('possible · 3 candidates');
    await expect.poll(page.text, soon).toContain('decides: ListenOverflows on its host');
    await expect.poll(page.text, soon).toContain('Likeliest: SYN dropped on the way to payments:8443.');
  });

  it('leads to every other candidate, and says against which something speaks', async () => {
    const [verdict] = diagnosis.verdicts;
    const alternatives = Array.from({ length: 7 }, (_, index) => ({
      cause: `C${index}`,
      title: `candidate ${index}`,
      against: index === 6 ? 'the server answered others' : '',
      wouldDecide: '',
    }));
    await open(`/trace/${TRACE_ID}`, {
      [`/api/traces/${TRACE_ID}/diagnosis`]: { ...diagnosis, verdicts: [{ ...verdict, alternatives }] },
    });
    await expect.poll(page.text, soon).toContain('possible · 8 candidates');
    expect(page.text()).not.toContain('candidate 6');
    expect(page.text()).not.toContain('against:');
    const more = page.all('.candidates button').find((button) => button.textContent?.includes('4 more'));
    await page.click(more!);
    expect(page.text()).toContain('candidate 6 against: the server answered others');
    expect(page.all('.candidates li')).toHaveLength(7);
  });

  it('marks the origin, the stuck phase, the deadline and the callee that was never reached', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('origin');
    const row = page.find('[role=row][aria-label*="origin of the timeout"]');
    expect(row.getAttribute('aria-selected')).toBe('true');
    expect(row.querySelector('.phase-connect.hatched')).not.toBeNull();
    expect(page.find('.deadline-label').textContent).toBe('budget 3 s');
    await expect.poll(page.text, soon).toContain('never arrived at payments:8443');
    await expect.poll(page.text, soon).toContain('2 missing spans');
  });

  it('leads from a piece of evidence to its span and attribute', async () => {
    await open(`/trace/${TRACE_ID}?span=0000000000000001`);
    await expect.poll(page.text, soon).toContain('retransmits');
    const chip = page.all('.evidence button').find((button) => button.textContent?.includes('retransmits'));
    await page.click(chip!);
    expect(page.url()).toContain(`span=${originId}`);
    await expect
      .poll(() => page.all('.pointed').map((line) => line.dataset['attribute']), soon)
      .toEqual(['sockeye.tcp.total_retransmits']);
  });

  it('is walked by keys: next row, next problem, back to the origin', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('origin');
    await page.press('j');
    expect(page.url()).toContain(`span=${originId}:callee`);
    await page.press('e');
    expect(page.url()).toContain('span=0000000000000001');
    await page.press('E');
    expect(page.url()).toContain(`span=${originId}`);
    await page.press('k');
    await page.press('o');
    expect(page.url()).toContain(`span=${originId}`);
  });

  it('is a tree grid that folds by arrow keys and keeps that in the URL', async () => {
    await open(`/trace/${TRACE_ID}?span=0000000000000003`);
    await expect.poll(page.text, soon).toContain('origin');
    const grid = page.find('[role=treegrid]');
    const rows = () => page.all('[role=treegrid] [role=row][aria-level]').length;
    const before = rows();
    await page.press('ArrowLeft', grid);
    expect(page.url()).toContain('collapse=0000000000000003');
    expect(rows()).toBeLessThan(before);
    expect(page.find('[aria-selected=true]').getAttribute('aria-expanded')).toBe('false');
    await page.press('ArrowRight', grid);
    expect(rows()).toBe(before);
  });

  it('opens what hides the origin', async () => {
    await open(`/trace/${TRACE_ID}?span=0000000000000001&collapse=0000000000000001,0000000000000004`);
    await expect.poll(page.text, soon).toContain('checkout gave up on');
    await page.press('o');
    expect(page.url()).toContain('collapse=0000000000000004');
  });

  it('finds spans by any attribute', async () => {
    await open(`/trace/${TRACE_ID}?find=SYN_SENT`);
    await expect.poll(page.text, soon).toContain('1 of 12');
    expect(page.find('.row.found').getAttribute('aria-label')).toContain('POST payments');
  });

  it('shows the problems alone, with what led to them', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('origin');
    const rows = () => page.all('[role=treegrid] [role=row][aria-level]').length;
    const all = rows();
    await choose('Spans to show', 'problems');
    await expect.poll(page.text, soon).toMatch(/\b[1-9] of 12 spans/);
    expect(rows()).toBeLessThan(all);
    expect(page.url()).toContain('status=problems');
    await page.press('o');
    expect(page.url()).toContain('status=problems');
    await choose('Service to show', 'catalog');
    await expect.poll(page.text, soon).toContain('No span of this trace matches the filter.');
    await page.click(page.find('.none button'));
    expect(rows()).toBe(all);
  });

  it.each(['flame', 'table'])('is filtered in the %s too', async (view) => {
    await open(`/trace/${TRACE_ID}?view=${view}&service=catalog`);
    await expect.poll(page.text, soon).toContain('2 of 12 spans');
    const names = view === 'flame' ? '.lines button' : 'tbody tr:not(.space)';
    const shown = page
      .all(names)
      .map((span) => (span.getAttribute('aria-label') ?? span.textContent ?? '').trim());
    expect(shown.filter((name) => name.startsWith('catalog'))).toHaveLength(2);
    expect(shown.filter((name) => name.includes('inventory'))).toEqual([]);
    // By which a flame is zoomed, also where all rows of a waterfall would be in view.
    expect(page.all('.minimap')).toHaveLength(view === 'flame' ? 1 : 0);
  });

  it('is found in the flame and the table too', async () => {
    await open(`/trace/${TRACE_ID}?view=table&find=SYN_SENT`);
    await expect.poll(page.text, soon).toContain('1 of 12');
    await expect.poll(() => page.all('tbody tr:not(.space)').length, soon).toBe(1);
    expect(page.find('tbody tr:not(.space)').textContent).toContain('POST payments');
    await page.press('w');
    await page.press('w');
    await expect.poll(() => page.all('.lines button:not(.aside)').length, soon).toBe(1);
  });

  it('ends a filter that hides where one goes', async () => {
    const rows = () => page.all('[role=treegrid] [role=row][aria-level]').length;
    await open(`/trace/${TRACE_ID}?service=catalog`);
    await expect.poll(page.text, soon).toContain('of 12 spans');
    const filtered = rows();
    await page.press('o');
    await expect.poll(page.url, soon).not.toContain('service=');
    expect(rows()).toBeGreaterThan(filtered);
  });

  it('shows the clock shift and the times as they were sent', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('clock +12 ms');
    await page.click(page.all('.facts button')[0]!);
    await expect.poll(page.text, soon).toContain('clock +12 ms, raw');
    expect(page.url()).toContain('raw=1');
  });

  it('of 5,000 spans costs a screenful of rows', async () => {
    const template = trace.spans[0]!;
    const id = (index: number) => (index + 1).toString(16).padStart(16, '0');
    const spans = Array.from({ length: 5000 }, (_, index) => ({
      ...template,
      spanId: id(index),
      parentSpanId: index === 0 ? '' : id(0),
      startOffsetMs: index,
    }));
    await open('/trace/aa', {
      '/api/traces/aa': { ...trace, spans },
      '/api/traces/aa/diagnosis': { traceId: 'aa', complete: true, verdicts: [] },
    });
    await expect.poll(page.text, soon).toContain('5,000 spans');
    await expect.poll(page.text, soon).toContain('No call in this trace gave up');
    expect(page.find('[role=treegrid]').getAttribute('aria-rowcount')).toBe('5001');
    expect(page.all('.row').length).toBeLessThanOrEqual(120);
  });

  it('that grows while one looks is offered, and stays as it is until then', async () => {
    const [late, ...early] = trace.spans.toReversed();
    let all = false;
    const now = () => ({ ...trace, spans: all ? [...early, late] : early });
    await open(`/trace/${TRACE_ID}`, { [`/api/traces/${TRACE_ID}`]: now });
    await expect.poll(page.text, soon).toContain('11 spans');
    all = true;
    page.live('trace', { traceId: 'another', spans: 99 });
    page.live('trace', { traceId: TRACE_ID, spans: 12 });
    await expect.poll(page.text, soon).toContain('1 more span: show');
    expect(page.text()).toContain('11 spans');
    await page.click(page.find('.header .button.on'));
    await expect.poll(page.text, soon).toContain('12 spans');
    expect(page.text()).not.toContain('more span');
  });

  it('that is not stored says so', async () => {
    await open('/trace/0bad');
    await expect.poll(page.text, soon).toContain('No trace 0bad is stored');
  });
});

import { describe, expect, it } from 'vitest';
import type { Trajectory, TrajectoryRecord } from '@nightshift/protocol';
import { analyze } from './analyze.js';
import { axisTicks, clippedRange } from './chart-scale.js';
import { writeCsv, writeResultsTsv } from './exports.js';
import { reportHtml } from './report-html.js';
import { reportMarkdown } from './report-markdown.js';
import { reportText } from './report-text.js';
import { baselineMeasurements } from './replicated.js';
import { metricChart } from './svg.js';

const EVIL = '<script>alert("x")</script>';

function record(iteration: number, metric: number | null, change: Partial<TrajectoryRecord> = {}): TrajectoryRecord {
  return {
    iteration,
    outcome: metric === null ? 'failed' : 'reverted',
    proposer: 'model',
    proposal: { knob: EVIL, newValue: `</svg>${iteration}`, reason: '=1+1' },
    config: null,
    values: metric === null ? [] : [metric],
    metric,
    failure: metric === null ? 'crash: \u001b[2J<b>|boom|</b>' : null,
    rail: null,
    blocked: [],
    decision: null,
    wallSeconds: 60,
    modelSeconds: null,
    energyWh: 100,
    ...change,
  };
}
const trajectory: Trajectory = {
  metric: { name: 'loss', goal: 'minimize' },
  menu: null,
  baseline: { config: null, values: [1], value: 1 },
  records: [record(1, 0.99), record(2, 0.9, { outcome: 'kept' }), record(3, null), record(4, 1.01), record(5, 50)],
  warnings: [EVIL],
};
const analysis = analyze(trajectory);

const screenedOut = record(6, null, {
  outcome: 'screened_out',
  failure: null,
  screening: {
    outcome: 'screened_out',
    value: 3,
    comparatorMean: 2,
    comparatorN: 1,
    effect: -0.5,
    bar: -0.01,
    expected: -0.4,
    luckiest: -0.2,
    pairs: 5,
    trainedSeconds: 20,
    comparatorSeconds: 20,
    savedSeconds: 80,
    reason: '50% worse than its comparator at the cheap budget',
  },
});

describe('a candidate that was screened out', () => {
  const screened: Trajectory = {
    ...trajectory,
    records: [...trajectory.records, screenedOut],
    screeningOff: 'it has cost too much',
  };
  const figures = analyze(screened);

  it('is counted as that, and neither as failed nor as measured', () => {
    expect(figures).toMatchObject({ iterations: 6, screenedOut: 1, failed: 1, evaluated: 4 });
    expect(figures.screening).toEqual({
      screened: 1,
      screenedOut: 1,
      cheapSeconds: 40,
      savedSeconds: 60,
      off: 'it has cost too much',
    });
    expect(analysis.screening).toBeNull();
  });

  it('costs what its run has trained for the cheap budget, also where no row tells of it', () => {
    expect(analyze({ ...screened, screeningSeconds: 75 }).screening).toMatchObject({
      cheapSeconds: 75,
      savedSeconds: 25,
    });
    expect(analyze({ ...trajectory, screeningSeconds: 35 }).screening).toMatchObject({
      screened: 0,
      cheapSeconds: 35,
      savedSeconds: -35,
    });
    expect(analyze({ ...trajectory, screeningSeconds: 0 }).screening).toBeNull();
  });

  it('is told in every form of the report', () => {
    const words =
      /1 of 1 candidates given up at the cheap budget; 40.0 s of cheap training saved 1 min 0 s net; turned itself off: it has cost too much/;
    for (const report of [reportText(screened, figures, {}), reportMarkdown(screened, figures, 't')].map((text) =>
      text.replaceAll(/\s+/g, ' '),
    )) {
      expect(report).toMatch(words);
      expect(report).toContain('1 failed, 1 screened out');
      expect(report).toContain('screened out at the cheap budget');
    }
    const html = reportHtml(screened, figures, 't');
    expect(html).toMatch(words);
    expect(html).toContain('>screened out</th>');
    expect(metricChart(screened, figures)).toContain('iteration 6: screened out');
  });

  it('has its cheap effect in the CSV, beside an empty metric', () => {
    const row = writeCsv(screened).split('\r\n')[6];
    expect(row).toMatch(/^6,screened_out,model,/);
    expect(row).toMatch(/,,0,,,,,,60,,100,'=1\+1,,-0\.5,80,$/);
  });

  it('is no row of results.tsv, where it would pass for a measurement or a crash', () => {
    expect(writeResultsTsv(screened)).toBe(writeResultsTsv(trajectory));
  });
});

describe('the HTML report', () => {
  const html = reportHtml(trajectory, analysis, EVIL);

  it('shows text from outside as text', () => {
    expect(html).not.toContain('<script');
    expect(html).not.toContain('</svg>1');
    expect(html).not.toContain('<b>|');
    expect(html).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
  });

  it('needs nothing from outside', () => {
    expect(html).not.toMatch(/\b(?:src|href|url|@import)\s*[=(]/);
    expect(html).toContain("default-src 'none'");
    expect(html).toContain('prefers-color-scheme:dark');
  });

  it('has the three pictures and balanced tags', () => {
    expect(html.match(/<svg /g)).toHaveLength(3);
    for (const tag of ['svg', 'table', 'text', 'tr', 'td', 'p', 'ul', 'title', 'figure'])
      expect([tag, html.match(new RegExp(`<${tag}[ >]`, 'g'))?.length ?? 0]).toEqual([
        tag,
        html.match(new RegExp(`</${tag}>`, 'g'))?.length ?? 0,
      ]);
  });

  it('is made for a run that has nothing yet', () => {
    const empty = { ...trajectory, records: [], warnings: [] };
    expect(reportHtml(empty, analyze(empty))).toContain('No change was measured.');
    const unknown = { ...empty, baseline: { config: null, values: [], value: null } };
    expect(reportHtml(unknown, analyze(unknown)).match(/<svg /g)).toHaveLength(3);
  });
});

describe('the metric chart', () => {
  it('draws an outlier at the edge with its value, and the best value in place', () => {
    const wide = {
      ...trajectory,
      records: [...trajectory.records, ...Array.from({ length: 12 }, (_, i) => record(6 + i, 1 + i / 1000))],
    };
    const svg = metricChart(wide, analyze(wide));
    expect(svg).toContain('beyond the scale');
    expect(svg).toMatch(/>50<\/text>/);
    expect(clippedRange([0.2, 1, 1.01, 1.02, 1.03, 1.04, 9], 'minimize').low).toBeLessThan(0.2);
    expect(clippedRange([0.2, 1, 1.01, 1.02, 1.03, 1.04, 9], 'minimize').high).toBeLessThan(9);
    expect(clippedRange([0.2, 1, 1.01, 1.02, 1.03, 1.04, 9], 'maximize').high).toBeGreaterThan(9);
  });

  it('has round ticks', () => {
    expect(axisTicks(10.84, 11.16, 7)).toEqual([10.85, 10.9, 10.95, 11, 11.05, 11.1, 11.15]);
    expect(axisTicks(1, 50, 10)).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45, 50]);
    expect(axisTicks(1, 1, 5)).toEqual([1]);
  });
});

describe('the Markdown report', () => {
  it('escapes what would break a table or become markup', () => {
    const markdown = reportMarkdown(trajectory, analysis, EVIL);
    expect(markdown).not.toContain('<script');
    expect(markdown).toContain('\\|boom\\|');
    const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
    expect(rows.every((row) => row.endsWith(' |'))).toBe(true);
  });
});

describe('the terminal report', () => {
  it('lets no control character through and keeps to its width', () => {
    const text = reportText(trajectory, analysis, { width: 80, title: '\u001b[31mred' });
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('says that nothing is replicated before it names the single best, and what the gain cost', () => {
    const text = reportText(trajectory, analysis, { width: 120 });
    expect(text.indexOf('No change was measured twice')).toBeLessThan(text.indexOf('Single best keep: iteration 2'));
    expect(text).toContain('+10.00%, measured once');
    expect(text).toContain('0.5 kWh, 0.05 kWh for each percent of the best keep');
  });
});

describe('the CSV export', () => {
  it('quotes cells and defuses formulas', () => {
    const [, first] = writeCsv(trajectory).split('\r\n');
    expect(first).toBe(`1,reverted,model,"<script>alert(""x"")</script>",</svg>1,0.99,1,0.01,,,,,60,,100,'=1+1,,,,`);
  });
});

describe('a report of a long run', () => {
  const records = Array.from({ length: 500 }, (_, i) =>
    record(i + 1, 1 + i / 1000, { proposal: { knob: 'k', newValue: i, reason: '' } }),
  );
  const long = { ...trajectory, records };

  it('names how many changes it leaves out', () => {
    const analysed = analyze(long);
    expect(reportMarkdown(long, analysed)).toContain('\n\nand 300 more changes\n');
    expect(reportHtml(long, analysed)).toContain('and 300 more changes');
    expect(reportText(long, analysed, { triedRows: 5 })).toContain('and 495 more changes');
  });
});

describe('a run of patches', () => {
  const patch = (iteration: number, metric: number, description: string) =>
    record(iteration, metric, {
      outcome: 'kept',
      config: {},
      description,
      proposal: { knob: '(patch)', newValue: `hash${iteration}`, reason: '' },
    });
  const patches: Trajectory = {
    ...trajectory,
    baseline: { config: {}, values: [2, 2.02], value: 2.01 },
    records: [patch(1, 1.5, 'Widen the net'), patch(2, 1.2, 'Add a table')],
  };

  it('does not take other code for the baseline measured again, and names patches by their summaries', () => {
    const text = reportText(patches, analyze(patches), { width: 120 });
    expect(baselineMeasurements(patches)).toEqual([2, 2.02]);
    expect(text).toContain('Single best keep: iteration 2, Add a table');
    expect(text).not.toContain('hash');
  });
});

it('scrolls charts and tables on a narrow screen, and never the page', () => {
  const page = reportHtml(trajectory, analyze(trajectory));
  expect(page.match(/<table>/g)?.length).toBe(page.match(/<div class="scroll"><table>/g)?.length);
  expect(page.match(/<svg /g)?.length).toBe(page.match(/<figure><svg /g)?.length);
  expect(page).toMatch(/figure\{[^}]*overflow-x:auto/);
  expect(page).toMatch(/\.scroll\{overflow-x:auto/);
  expect(page).toMatch(/@media \(max-width:599px\)\{figure::before\{content:'scroll sideways/);
  expect(page).toMatch(/h1\{[^}]*overflow-wrap:anywhere/);
});

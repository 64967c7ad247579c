import { describe, expect, it } from 'vitest';
import { createLog } from './logger.js';

describe('createLog', () => {
  it('writes JSON, errors with their stack', () => {
    const lines: string[] = [];
    const log = createLog({ isPretty: false, write: (text) => lines.push(text) });
    log.error({ err: new Error('broken'), jobId: 'job_1' }, 'a job failed');
    const [line] = lines.map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(line).toMatchObject({ level: 50, msg: 'a job failed', jobId: 'job_1', err: { message: 'broken' } });
  });

  it('writes a short line for a person, without what a terminal would obey', () => {
    const lines: string[] = [];
    const log = createLog({ isPretty: true, write: (text) => lines.push(text) });
    log.info({ box: 'spark', n: 2 }, 'took a job\u001b[2J');
    log.debug({}, 'not shown');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d {2}info {3}took a job \[2J {2}box=spark n=2\n$/);
  });
});

import type { JobReason, PhaseResult } from '@nightshift/protocol';
import type { StopCause } from './stop-signal.js';

export interface Ending {
  reason: JobReason;
  detail: string;
}
export interface EndedPhase {
  result: PhaseResult;
  stoppedFor: StopCause | null;
  /** The last value of the job's metric in this phase; undefined when there was none. */
  metric: number | undefined;
  /** The last of what it printed. */
  tail: string;
  /** A disk that the job writes to was read to be short. */
  isDiskShort: boolean;
  /** The kernel ended something for want of memory while the job ran. */
  isKernelOom: boolean;
  metricName: string;
  budgetMs: number;
  limitMs: number;
  /** Code mode: a model mends a slip from the end of the output, so more of it is kept, lines as they are. */
  isCode?: boolean;
}

const OUT_OF_MEMORY =
  /CUDA out of memory|OutOfMemoryError|CUDA_ERROR_OUT_OF_MEMORY|CUBLAS_STATUS_ALLOC_FAILED|out of memory\b.*\b(?:CUDA|MPS|GPU)|\bMemoryError\b|std::bad_alloc|heap out of memory|Cannot allocate memory/;
/** What an exit's detail can hold besides the sentence before it. */
const PAGE_CHARS = 3000;
const NO_SPACE =
  /No space left on device|ENOSPC|Errno 28\b|PytorchStreamWriter failed writing|database or disk is full/;

/** Why a phase ended badly; null when it ended well. The first cause wins: what the runner did comes before what followed. */
export function classifyPhase(ended: EndedPhase): Ending | null {
  const { result, stoppedFor } = ended;
  const inSetup = result.phase === 'setup';
  const stopped = stoppedFor && classifyStop(stoppedFor, ended);
  if (stopped) return stopped;
  const isWell = result.exitCode === 0 && result.signal === null;
  if (result.clock === 'budget') {
    const forced = result.stoppedBy.filter((signal) => signal !== 'INT');
    if (isWell && forced.length === 0) return null;
    const ignored = result.stoppedBy.slice(0, -1);
    return {
      reason: 'timeout',
      detail: sentence(
        `the budget of ${seconds(ended.budgetMs)} ran out and ${
          forced.length > 0
            ? `training ignored ${ignored.join(' and ')}; ${result.stoppedBy.at(-1)} ended it`
            : `training did not end well after INT (${how(result)})`
        }${ended.metric === undefined ? '' : `; it had reported ${ended.metricName}: a script that ends by itself within NIGHTSHIFT_BUDGET_SECONDS is measured`}`,
        '',
      ),
    };
  }
  if (isWell) return null;
  const tail = ended.isCode ? lastPage(ended.tail) : lastLines(ended.tail);
  // Measured, and not only said: any job can print these words, and a box would be blamed for them.
  if (ended.isDiskShort && NO_SPACE.test(ended.tail))
    return { reason: 'disk_full', detail: sentence(`${result.phase} found no space left on the disk`, tail) };
  if (inSetup) return { reason: 'setup_failed', detail: sentence(`setup ${how(result)}`, tail) };
  if (result.phase === 'evaluate')
    return { reason: 'evaluator_failed', detail: sentence(`evaluate ${how(result)}`, tail) };
  if (result.exitCode === 127 || result.exitCode === 126)
    return {
      reason: 'command_not_found',
      detail: sentence(
        result.exitCode === 127 ? 'the train command was not found' : 'the train command cannot be executed',
        tail,
      ),
    };
  const isKill = result.signal === 'SIGKILL' || result.exitCode === 137;
  if (OUT_OF_MEMORY.test(ended.tail) || (isKill && ended.isKernelOom))
    return { reason: 'oom', detail: sentence(`training ran out of memory (${how(result)})`, tail) };
  if (ended.metric !== undefined && !Number.isFinite(ended.metric))
    return {
      reason: 'diverged',
      detail: sentence(`${ended.metricName} became ${ended.metric} and training ${how(result)}`, ''),
    };
  if (result.signal !== null)
    return {
      reason: 'killed',
      detail: sentence(`training was ended by ${result.signal}, which Nightshift did not send`, tail),
    };
  const shellSignal = (result.exitCode ?? 0) - 128;
  if ([2, 3, 4, 6, 7, 8, 9, 11, 15].includes(shellSignal))
    return {
      reason: 'killed',
      detail: sentence(
        `a program of the train command was ended by signal ${shellSignal} (exit code ${result.exitCode})`,
        tail,
      ),
    };
  return { reason: 'crash', detail: sentence(`training ${how(result)}`, tail) };
}

function classifyStop(cause: StopCause, { result, limitMs, tail, isCode }: EndedPhase): Ending {
  switch (cause.kind) {
    case 'cancelled':
      return { reason: 'cancelled', detail: cause.detail || 'cancelled' };
    case 'limit': {
      const ignored = result.stoppedBy.slice(0, -1);
      return {
        reason: result.phase === 'setup' ? 'setup_failed' : 'timeout',
        detail: `the limit of ${seconds(limitMs)} for the whole job ran out during ${result.phase}${ignored.length > 0 ? `, which ignored ${ignored.join(' and ')}` : ''}`,
      };
    }
    case 'disk_full':
      return { reason: cause.kind, detail: sentence(cause.detail, isCode ? lastPage(tail) : lastLines(tail)) };
    default:
      return { reason: cause.kind, detail: cause.detail };
  }
}

/** What the measured value says of a job whose phases all ended well. */
export function classifyMetric(
  value: number | undefined,
  metric: { name: string; bounds: readonly [number, number] | null },
  hasEvaluate: boolean,
  tail: string,
  isCode = false,
): Ending {
  const { name, bounds } = metric;
  const said = isCode ? lastPage(tail) : lastLines(tail);
  if (value === undefined)
    return hasEvaluate
      ? { reason: 'evaluator_failed', detail: sentence(`evaluate ended well but reported no ${name}`, said) }
      : {
          reason: 'no_metric',
          detail: sentence(
            `training ended well but reported no ${name}: print "${name}: VALUE" or write it to NIGHTSHIFT_METRICS`,
            said,
          ),
        };
  if (!Number.isFinite(value)) return { reason: 'diverged', detail: `${name} is ${value}` };
  if (bounds && (value < bounds[0] || value > bounds[1]))
    return {
      reason: 'metric_out_of_bounds',
      detail: `${name} is ${value}, outside its stated bounds [${bounds[0]}, ${bounds[1]}]`,
    };
  return { reason: 'completed', detail: `${name} is ${value}` };
}

function how(result: PhaseResult): string {
  return result.signal === null ? `exited with code ${result.exitCode}` : `was ended by ${result.signal}`;
}

function seconds(ms: number): string {
  return `${Math.round(ms) / 1000} s`;
}

function sentence(what: string, tail: string): string {
  return tail ? `${what}; it last printed: ${tail}` : what;
}

/** The end of an output, lines and indentation kept, without control characters: at most 3000 characters of whole lines. */
function lastPage(text: string): string {
  const page = text
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .split('\n')
    .map((line) => line.replace(/\r+$/, ''))
    .map((line) => line.slice(line.lastIndexOf('\r') + 1).replace(/[\u0000-\u0008\u000b-\u001f\u007f\ufffd]+/g, ' '))
    .join('\n')
    .trimEnd();
  if (page.trim() === '') return '';
  if (page.length <= PAGE_CHARS) return `\n${page}`;
  const cut = page.slice(-PAGE_CHARS);
  return `\n${cut.slice(cut.indexOf('\n') + 1)}`;
}

/** The last three lines with something on them, without control characters, 600 characters at most. */
function lastLines(text: string): string {
  const lines = text
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[\u0000-\u001f\u007f\ufffd]+/g, ' ').trim())
    .filter((line) => line !== '');
  return lines.slice(-3).join(' | ').slice(-600);
}

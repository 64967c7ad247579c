/** A metric point as jobs report it. `step` is the training step when the job says so. */
export interface MetricPoint {
  name: string;
  value: number;
  step?: number | undefined;
}

const NUMBER = '[-+]?(?:(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][-+]?\\d+)?|nan|inf(?:inity)?)';
const NAME = '[A-Za-z_][\\w./-]{0,99}';
const PLAIN = new RegExp(`^\\s*(${NAME})\\s*:\\s*(${NUMBER})\\s*$`, 'i');
const MARKED = new RegExp(`METRIC:(${NAME})\\s*=\\s*(${NUMBER})(?![\\w.])`, 'gi');
const WHOLE_NUMBER = new RegExp(`^\\s*${NUMBER}\\s*$`, 'i');

/** A number as training programs print it, "nan" and "inf" included; undefined when it is none. */
export function parseMetricNumber(text: string): number | undefined {
  // JavaScript reads nothing at all as 0, which a job that minimises would be kept for.
  if (!WHOLE_NUMBER.test(text)) return undefined;
  const lower = text.trim().toLowerCase().replace(/^\+/, '');
  if (lower === 'nan' || lower === '-nan') return NaN;
  if (/^-?inf(inity)?$/.test(lower)) return lower.startsWith('-') ? -Infinity : Infinity;
  return Number(lower);
}

/**
 * The metrics that one terminal line reports: `name: value` alone on the line, or `METRIC:name=value` anywhere in it.
 * The caller splits at \n and at \r (a carriage return ends a line, as on a terminal).
 */
export function parseMetricLine(line: string): MetricPoint[] {
  if (line.length > 4096) return [];
  const points: MetricPoint[] = [];
  const plain = PLAIN.exec(line);
  if (plain) push(points, plain[1], plain[2]);
  for (const match of line.matchAll(MARKED)) push(points, match[1], match[2]);
  return points;
}

/** A line of the file named by NIGHTSHIFT_METRICS; null when it is not a metric object. NaN and Infinity may be given as strings. */
export function parseMetricJson(line: string): MetricPoint | null {
  let parsed: unknown;
  try {
    // Python's json.dumps writes bare NaN and Infinity, which are not JSON: quote them before parsing.
    parsed = JSON.parse(line.replace(/(:\s*)(-?(?:NaN|Infinity))(?=\s*[,}])/g, '$1"$2"'));
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const { name, value, step } = parsed as Record<string, unknown>;
  if (typeof name !== 'string' || !new RegExp(`^${NAME}$`).test(name)) return null;
  const number = typeof value === 'number' ? value : typeof value === 'string' ? parseMetricNumber(value) : undefined;
  if (number === undefined) return null;
  return {
    name,
    value: number,
    ...(typeof step === 'number' && Number.isSafeInteger(step) && step >= 0 ? { step } : {}),
  };
}

function push(points: MetricPoint[], name: string | undefined, text: string | undefined): void {
  const value = text === undefined ? undefined : parseMetricNumber(text);
  if (name !== undefined && value !== undefined) points.push({ name, value });
}

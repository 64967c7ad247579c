import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import { z } from 'zod';

const patterns = z.array(z.string().min(1).max(500)).max(200);

/** `<home>/policy.json`: what the owner of the box allows, whatever a control plane asks. A key that is left out allows all. */
export const boxPolicySchema = z.strictObject({
  projects: patterns.optional().describe('names of projects; * stands for any characters'),
  sources: patterns
    .optional()
    .describe('folders, URLs, or upload:* for uploaded working trees; * stands for any characters'),
  commands: patterns.optional().describe('setup, train and evaluate commands; * stands for any characters'),
  env: patterns.optional().describe('names of environment variables that a job may set'),
  attach: z
    .enum(['none', 'read', 'write'])
    .optional()
    .describe('whether a terminal may be watched or typed into (default write)'),
  sandbox: z
    .strictObject({
      require: z.boolean().optional().describe('edited code runs in a sandbox or not at all (default false)'),
      network: z
        .boolean()
        .optional()
        .describe('whether edited code has a network, whatever the spec says (left out: none unless the spec asks)'),
      hide: z
        .array(z.string().startsWith('/').max(500))
        .max(200)
        .optional()
        .describe('files and folders that sandboxed training does not see, such as held-out data; the evaluator does'),
    })
    .optional()
    .describe('how edited code (code mode) is confined'),
  occupancy: z
    .strictObject({
      check: z
        .boolean()
        .optional()
        .describe("whether a job waits for somebody else's process on the GPU (default true)"),
      waitSeconds: z.number().int().min(0).max(600).optional().describe('how long, before the job is given back (30)'),
      allow: patterns.optional().describe('names of programs that may share the GPU'),
    })
    .optional()
    .describe('what to do when somebody else computes on the GPU'),
  fixed: z
    .record(
      z.string(),
      z.strictObject({
        source: z
          .string()
          .optional()
          .describe('a folder on this box; left out: what the job names, if `sources` allows it'),
        setup: z.string().nullable().optional(),
        train: z.string(),
        evaluate: z.string().nullable().optional(),
        env: z.record(z.string(), z.string()).optional(),
        edit: z
          .boolean()
          .optional()
          .describe('whether edited code may run, which is code from outside (default false)'),
      }),
    )
    .optional()
    .describe(
      'strict form: for these projects (and then for no others) the commands come from here, and only the knobs from outside',
    ),
});
export type BoxPolicy = z.infer<typeof boxPolicySchema>;

/** Reads the owner's policy anew each time, so that a change holds for the next job. A broken file allows nothing. */
export function readPolicy(home: string): { policy: BoxPolicy } | { problem: string } {
  const path = join(home, 'policy.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { policy: {} };
    return {
      problem: `${path} cannot be read (${(error as NodeJS.ErrnoException).code}): nothing is allowed until it can`,
    };
  }
  try {
    const parsed = boxPolicySchema.safeParse(JSON.parse(text));
    if (parsed.success) return { policy: parsed.data };
    const issue = parsed.error.issues[0];
    return {
      problem: `${path}: ${issue?.path.join('.') || 'policy'}: ${issue?.message ?? 'not valid'}; nothing is allowed until it is`,
    };
  } catch {
    return { problem: `${path} is not JSON: nothing is allowed until it is` };
  }
}

/** Checks a job before anything of it is fetched or started. Returns the job as it may run, or why it may not. */
export function applyPolicy(policy: BoxPolicy, job: JobSpec): { job: JobSpec } | { refusal: string } {
  if (policy.projects && !matches(policy.projects, job.project))
    return refuse(`does not allow the project ${job.project}`);
  if (policy.fixed) {
    const fixed = Object.hasOwn(policy.fixed, job.project) ? policy.fixed[job.project] : undefined;
    if (!fixed) return refuse(`has no commands for the project ${job.project}`);
    if (job.overlay && !fixed.edit) return refuse(`takes no edited code for the project ${job.project}`);
    const { source, setup = null, train, evaluate = null, env = {} } = fixed;
    // A fixed command runs whatever lies in the source: that comes from outside only where the owner says from where.
    const problem = source
      ? null
      : policy.sources
        ? sourceProblem(policy.sources, job)
        : `names no source for the project ${job.project}`;
    if (problem !== null) return refuse(problem);
    return {
      job: { ...job, source: source ? { kind: 'path', path: source } : job.source, setup, train, evaluate, env },
    };
  }
  const problem = policy.sources ? sourceProblem(policy.sources, job) : null;
  if (problem !== null) return refuse(problem);
  for (const command of [job.setup, job.train, job.evaluate])
    if (policy.commands && command !== null && !matches(policy.commands, command))
      return refuse(`does not allow the command: ${command.slice(0, 200)}`);
  for (const name of Object.keys(job.env))
    if (policy.env && !matches(policy.env, name)) return refuse(`does not allow the variable ${name}`);
  return { job };
}

function sourceProblem(allowed: string[], { source }: JobSpec): string | null {
  const place = source.kind === 'archive' ? `upload:${source.id}` : source.kind === 'path' ? source.path : source.url;
  if (!matches(allowed, place)) return `does not allow the source ${place}`;
  return source.kind === 'path' && place.split('/').includes('..') ? 'does not allow ".." in a source path' : null;
}

function refuse(what: string): { refusal: string } {
  return { refusal: `this box's owner ${what} (policy.json)` };
}

function matches(allowed: string[], text: string): boolean {
  return allowed.some((pattern) =>
    new RegExp(
      `^${pattern
        .split('*')
        .map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'))
        .join('[^]*')}$`,
    ).test(text),
  );
}

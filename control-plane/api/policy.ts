import { createRoute, z } from '@hono/zod-openapi';
import {
  configSchema,
  AppError,
  compileConstraints,
  configKey,
  defaultConfig,
  parseMenu,
  type Config,
} from '@nightshift/protocol';
import { gate } from '../policy/index.js';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { BAD_BODY, problems } from './problem.js';
import { answer, body, router } from './router.js';

const checkBody = z
  .object({
    menu: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'a menu, inline or as in a menu file of the field' }),
    proposal: z
      .union([z.string(), z.record(z.string(), z.unknown())])
      .openapi({ description: 'what a model answered, as text, or the object {knob, new_value, reason}' }),
    comparator: configSchema
      .optional()
      .openapi({ description: 'what it is compared with; the defaults when left out' }),
    candidate: configSchema.optional().openapi({ description: 'the complete configuration that is meant to run' }),
    measured: z
      .array(configSchema)
      .max(10_000)
      .default([])
      .openapi({ description: 'configurations that were measured before' }),
    repeat: z.enum(['reject', 'replicate', 'allow']).default('reject'),
  })
  .openapi('PolicyCheck');

export function policy(deps: ApiDeps) {
  const app = router();
  app.openapi(
    createRoute({
      method: 'post',
      path: '/check',
      tags: ['policy'],
      summary: 'Take a proposal past the rails, without a run',
      operationId: 'checkPolicy',
      security: bearer,
      middleware: [needs(deps, 'read')] as const,
      request: { body: body(checkBody) },
      responses: {
        200: answer(
          'the verdict',
          z
            .object({
              verdict: z.enum(['pass', 'block']),
              rail: z.string().nullable(),
              reason: z.string().nullable(),
              config: configSchema.nullable(),
              repeatOf: z.string().nullable(),
            })
            .openapi('Verdict'),
        ),
        ...problems(...BAD_BODY, 'invalid_menu'),
      },
    }),
    (c) => {
      const sent = c.req.valid('json');
      const menu = parseMenu(sent.menu);
      const comparator: Config = { ...defaultConfig(menu), ...sent.comparator };
      const unknown = Object.keys(comparator).find((name) => !Object.hasOwn(menu.knobs, name));
      if (unknown !== undefined) throw new AppError('bad_request', `comparator.${unknown}: is no knob of the menu`);
      const measured = new Set(sent.measured.map((known) => configKey({ ...comparator, ...known })));
      const verdict = gate(sent.proposal, {
        menu,
        constraints: compileConstraints(menu),
        comparator,
        measured: (key) => measured.has(key),
        repeat: sent.repeat,
        candidate: sent.candidate,
      });
      return c.json(
        verdict.verdict === 'pass'
          ? { verdict: 'pass' as const, rail: null, reason: null, config: verdict.config, repeatOf: verdict.repeatOf }
          : { verdict: 'block' as const, rail: verdict.rail, reason: verdict.reason, config: null, repeatOf: null },
        200,
      );
    },
  );
  return app;
}

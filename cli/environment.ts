import { AppError } from '@nightshift/protocol';
import { z } from 'zod';

const port = z.coerce
  .number('needs a port number')
  .int('needs a whole number')
  .min(0, 'needs 0 to 65535')
  .max(65_535, 'needs 0 to 65535');

const environmentSchema = z.object({
  NIGHTSHIFT_HOME: z.string().optional(),
  NIGHTSHIFT_SERVER: z.url({ protocol: /^https?$/, error: 'needs a URL such as http://127.0.0.1:7700' }).optional(),
  NIGHTSHIFT_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'needs a token without blanks')
    .optional(),
  NIGHTSHIFT_HOST: z.string().optional(),
  NIGHTSHIFT_PORT: port.optional(),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'needs postgres://user:password@host/database')
    .optional(),
});

/** The variables that `nightshift` reads, checked. */
export interface Environment {
  home: string | undefined;
  server: string | undefined;
  token: string | undefined;
  host: string | undefined;
  port: number | undefined;
  databaseUrl: string | undefined;
}

/**
 * Reads the environment once. An empty variable counts as one that is not set.
 * @throws AppError `config_invalid` naming every variable that is wrong; never its value, which may be a secret.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(set);
  if (!parsed.success)
    throw new AppError('config_invalid', 'the environment is not valid', {
      errors: parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
    });
  const { data } = parsed;
  return {
    home: data.NIGHTSHIFT_HOME,
    server: data.NIGHTSHIFT_SERVER,
    token: data.NIGHTSHIFT_TOKEN,
    host: data.NIGHTSHIFT_HOST,
    port: data.NIGHTSHIFT_PORT,
    databaseUrl: data.DATABASE_URL,
  };
}

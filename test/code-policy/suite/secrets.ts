import { blocked, node, swap, top, topJs } from './case.js';

// Put together here, so that nothing in this file looks like a credential to whoever scans a repository.
const token = (prefix: string, length: number) => prefix + 'a8F3kQ9zL2mX7vB4nC6wR1tY5uP0sD'.repeat(4).slice(0, length);

export const secretsCases = [
  ...blocked('secrets', {
    'a key of AWS': top(`KEY = "${`AKIA${'Q3EGRZ7ABCDEFG2H'}`}"`),
    'a token of GitHub': top(`T = "${token('ghp_', 36)}"`),
    'a token of Hugging Face': top(`T = "${token('hf_', 34)}"`),
    'an API key': top(`T = "${token('sk-', 40)}"`),
    'a token of Slack': top(`T = "${token('xoxb-', 24)}"`),
    'a private key': top(`K = """-----BEGIN ${'RSA'} PRIVATE KEY-----\nMIIE\n"""`),
    'a password in a URL': top(`URL = "postgres://me:${token('', 12)}@db.example.com/x"`),
    'a password by its name': top(`password = "${token('', 20)}"`),
    'a token in a comment': top(`# ${token('ghp_', 36)}`),
    'a token in the reason': swap('train.py', 'WIDTH = 128', 'WIDTH = 256', `use ${token('ghp_', 36)}`),
    'a token from the environment': top('t = os.environ["HF_TOKEN"]'),
    'a key from the environment': top('t = os.getenv("AWS_SECRET_ACCESS_KEY")'),
    'a variable whose name is computed': top('t = os.environ.get(DEVICE)'),
    'a variable whose name is put together': top('t = os.environ["AWS_" + "SECRET" + "_KEY"]'),
    'a variable whose name is formatted': top('t = os.getenv(f"AWS_{DEVICE}_KEY")'),
    'a secret by another name': top('t = os.environ.get("DEPLOY_SECRET_KEY")'),
    'the environment as a dictionary': top('d = dict(os.environ)'),
    'the environment printed': top('print(os.environ)'),
    'the environment by another name': top('from os import environ as tuning\ne = tuning'),
    'the environment gone through': top('for k, v in os.environ.items():\n    print(k, v)'),
    'the names of the environment': top('names = [k for k in os.environ]'),
    'getenv handed on': top('g = os.getenv\ng("X")'),
    'the SSH keys': top('p = os.path.join(DEVICE, "~/.ssh/id_rsa")'),
    'the environment of the process': top('p = "/proc/self/environ"'),
  }),
  ...blocked(
    'secrets',
    {
      'a token of npm': topJs(`const t = '${token('npm_', 36)}';`),
      'a token from the environment': topJs('const t = process.env.GITHUB_TOKEN;'),
      'a secret by another name': topJs('const t = process.env.DEPLOY_SECRET_KEY;'),
      'a secret in a pattern': topJs('const { DEPLOY_SECRET_KEY: t } = process.env;'),
      'the environment copied': topJs('const e = { ...process.env };'),
      'the environment printed': topJs('console.log(process.env);'),
      'the environment gone through': topJs('for (const name in process.env) console.log(name);'),
      'the rest of the environment': topJs('const { HOME, ...e } = process.env;'),
      'a token in JSON': swap('options.json', '  "order": 3,', `  "order": 3,\n  "api_key": "${token('', 24)}",`),
      'a token in YAML': swap('schedule.yaml', 'warmup: 0.1', `warmup: 0.1\ntoken: ${token('ghp_', 36)}`),
    },
    node,
  ),
];

import { Hono } from 'hono';
import type { ApiDeps, ApiEnv } from './deps.js';

const PLACES = { docs: '/docs', openapi: '/openapi.json', health: '/healthz' };

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Nightshift</title>
    <link rel="icon" href="data:," />
  </head>
  <body>
    <h1>Nightshift</h1>
    <p>This is a control plane. It is used from the terminal (<code>nightshift --help</code>) and over REST:</p>
    <ul>
      <li><a href="${PLACES.docs}">${PLACES.docs}</a>: the API, to read and to try</li>
      <li><a href="${PLACES.openapi}">${PLACES.openapi}</a>: its description for programs</li>
      <li><a href="${PLACES.health}">${PLACES.health}</a>: whether it is up</li>
    </ul>
  </body>
</html>
`;

/** What stands at the address that `serve` prints: where to go from there, as a page or as JSON. Needs no token and tells nothing. */
export function root(deps: Pick<ApiDeps, 'version'>): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.get('/', (c) => {
    if (!/\btext\/html\b/.test(c.req.header('accept') ?? ''))
      return c.json({ name: 'nightshift', version: deps.version, ...PLACES });
    c.header('content-security-policy', "default-src 'none'; img-src data:; frame-ancestors 'none'");
    c.header('x-content-type-options', 'nosniff');
    return c.html(PAGE);
  });
  return app;
}

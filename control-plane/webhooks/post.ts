import { lookup } from 'node:dns';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { isForbiddenAddress, isForbiddenHost } from './forbidden-address.js';

/** Shorter fails receivers that wake up first; longer lets one slow receiver hold its lease and our socket. */
const TIMEOUT_MS = 10_000;

/** What became of one delivery. A redirect is a failure: it could lead where the URL may not. */
export type PostResult = { ok: true } | { ok: false; reason: string };

/** Posts a JSON body to a receiver. Addresses are judged when they are connected to, so that a name cannot change its mind in between. */
export function post(
  url: string,
  body: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<PostResult> {
  return new Promise((resolve) => {
    const fail = (reason: string) => resolve({ ok: false, reason });
    const target = new URL(url);
    if (isForbiddenHost(target.hostname)) return fail('the address is not allowed');
    const send = target.protocol === 'https:' ? requestHttps : requestHttp;
    const req = send(target, {
      method: 'POST',
      agent: false,
      lookup: allowedOnly,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    req.on('error', (error) =>
      fail(error.name === 'AbortError' ? `no answer within ${TIMEOUT_MS / 1000} s` : error.message),
    );
    req.on('response', (response) => {
      const { statusCode = 0 } = response;
      // What a receiver says beyond its status is of no use here.
      response.destroy();
      if (statusCode >= 200 && statusCode < 300) resolve({ ok: true });
      else fail(`the receiver answered ${statusCode}`);
    });
    req.end(body);
  });
}

const allowedOnly: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const usable = (addresses ?? []).filter(({ address }) => !isForbiddenAddress(address));
    const [first] = usable;
    if (error) callback(error, []);
    else if (!first) callback(new Error(`${hostname} has no address that is allowed`), []);
    else if (options.all) callback(null, usable);
    else callback(null, first.address, first.family);
  });
};

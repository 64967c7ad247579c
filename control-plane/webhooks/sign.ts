import { createHmac } from 'node:crypto';

/** The header that proves who sent a delivery. */
export const SIGNATURE_HEADER = 'Nightshift-Signature';

/**
 * `t=SECONDS,v1=HEX`: HMAC-SHA-256 under the webhook's secret of `SECONDS.BODY`. The time is signed too, so that a receiver can refuse
 * an old delivery that someone sends again.
 */
export function sign(secret: string, body: string, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

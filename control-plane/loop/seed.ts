import { createHash } from 'node:crypto';

/**
 * The seed of the n-th measurement of a configuration: 31 bits of SHA-256 over the spec's seed, the configuration and n.
 * Measurements of one configuration get different seeds, so that their spread is the noise; the same run made again gets the same ones.
 */
export function jobSeed(specSeed: number, configKey: string, n: number): number {
  const digest = createHash('sha256').update(`${specSeed}\n${configKey}\n${n}`).digest();
  return digest.readUInt32BE(0) >>> 1;
}

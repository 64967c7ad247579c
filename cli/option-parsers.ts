import { InvalidArgumentError } from 'commander';

/** Parsers of option values: what commander calls with the text, and whose complaint it shows with the option's name. */
export function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new InvalidArgumentError('It needs a URL such as http://127.0.0.1:7700.');
  return text;
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('It needs a port: 0 to 65535.');
  return port;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 1_000_000)
    throw new InvalidArgumentError('It needs a whole number from 1 to 1000000.');
  return count;
}

export function parseFraction(text: string): number {
  const fraction = Number(text);
  if (text.trim() === '' || !(fraction >= 0 && fraction <= 1))
    throw new InvalidArgumentError('It needs a fraction from 0 to 1, such as 0.02 for two percent.');
  return fraction;
}

export function parseList(text: string): string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
  if (items.length === 0) throw new InvalidArgumentError('It needs names with commas between them.');
  return items;
}

/** 0 is the baseline. */
export function parseIteration(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It needs the number of an iteration.');
  return Number(text);
}

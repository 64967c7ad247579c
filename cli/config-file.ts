import { AppError, type Config } from '@nightshift/protocol';
import { readJsonInput } from './input-file.js';

/** A configuration given as JSON on the command line (it starts with a brace) or as the path of a JSON file. */
export function readConfigFile(given: string): Config {
  const value = given.trimStart().startsWith('{') ? parse(given) : readJsonInput(given);
  const isConfig =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((v) => ['number', 'string', 'boolean'].includes(typeof v));
  if (!isConfig)
    throw new AppError('bad_request', 'a configuration is a JSON object of knobs and values, such as {"lr": 0.001}');
  return value as Config;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError(
      'bad_request',
      `the configuration is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

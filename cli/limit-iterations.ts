/** Sets `stop.iterations` of a spec that has not been checked yet; a `stop` that is no map is left for the check to name. */
export function limitIterations(input: Record<string, unknown>, iterations: number | undefined): void {
  if (iterations === undefined) return;
  const { stop } = input;
  if (stop === undefined || stop === null) input.stop = { iterations };
  else if (typeof stop === 'object' && !Array.isArray(stop)) input.stop = { ...stop, iterations };
}

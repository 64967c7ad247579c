import { expect, test } from 'vitest';
import { gpuFigures } from './gpu-figures.js';
import { parseGpuRows } from './parse-nvidia-smi.js';

const row = (utilization: number, watts: number, clock: number) =>
  parseGpuRows(`0, NVIDIA GB10, 580.95, [N/A], [N/A], ${utilization}, ${watts}, 60, ${clock}`);

test('a busy GPU at its clock is well, one stuck below a gigahertz is throttled', () => {
  expect(gpuFigures([...row(96, 54, 2400), ...row(96, 60, 2411), ...row(96, 50, 2390)])).toEqual({
    gpuSmClockMhz: '2400',
    gpuPowerWatts: '54',
    gpuHealth: 'ok',
  });
  expect(gpuFigures([...row(96, 25, 611), ...row(95, 25, 850), ...row(96, 54, 2400)])['gpuHealth']).toBe('throttled');
  expect(gpuFigures(row(96, 15, 2400))['gpuHealth']).toBe('throttled');
});
test('without a busy reading nothing is said', () => {
  expect(gpuFigures([])).toEqual({});
  expect(gpuFigures(row(60, 15, 700))).toEqual({ gpuSmClockMhz: '700', gpuPowerWatts: '15' });
});
test('clocks of another make are told and not judged', () => {
  const slow = parseGpuRows('0, Tesla K80, 470.1, [N/A], [N/A], 99, 60, 60, 700');
  expect(gpuFigures(slow)).toEqual({ gpuSmClockMhz: '700', gpuPowerWatts: '60' });
});

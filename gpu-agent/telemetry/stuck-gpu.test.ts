import { expect, test } from 'vitest';
import { isStuckGpu } from './stuck-gpu.js';

const gb10 = { name: 'NVIDIA GB10', utilization: 96, smClockMhz: 2400, powerWatts: 54 };

test('a full GB10 is stuck by its clock or by its power', () => {
  expect(isStuckGpu(gb10)).toBe(false);
  expect(isStuckGpu({ ...gb10, smClockMhz: 999 })).toBe(true);
  expect(isStuckGpu({ ...gb10, powerWatts: 19.9 })).toBe(true);
  expect(isStuckGpu({ ...gb10, smClockMhz: 1000, powerWatts: 20 })).toBe(false);
  expect(isStuckGpu({ ...gb10, smClockMhz: null, powerWatts: null })).toBe(false);
});
test('a GPU with less to do, or of another make, is not judged', () => {
  expect(isStuckGpu({ ...gb10, utilization: 90, smClockMhz: 300 })).toBeNull();
  expect(isStuckGpu({ ...gb10, utilization: null, smClockMhz: 300 })).toBeNull();
  expect(isStuckGpu({ ...gb10, name: 'Tesla K80', smClockMhz: 700 })).toBeNull();
  expect(isStuckGpu({ ...gb10, name: 'NVIDIA GB100', smClockMhz: 700 })).toBeNull();
});

import { describe, expect, test } from 'vitest';
import { EnergyMeter } from './energy.js';
import { isUnifiedGpu, parseComputeApps, parseGpuRows } from './parse-nvidia-smi.js';

describe('rows of nvidia-smi', () => {
  test('a Spark gives no memory figures and keeps its row', () => {
    expect(parseGpuRows('0, NVIDIA GB10, 580.95.05, [N/A], [N/A], 96, 45.60, 57, 2411\n')).toEqual([
      {
        index: 0,
        name: 'NVIDIA GB10',
        driver: '580.95.05',
        memoryTotalBytes: null,
        memoryUsedBytes: null,
        utilization: 96,
        powerWatts: 45.6,
        temperatureC: 57,
        smClockMhz: 2411,
      },
    ]);
  });
  test('units are read off, and every way of saying nothing is null', () => {
    const [row] = parseGpuRows('3, Tesla, [Not Supported], 81920 MiB, 12 MiB, 0 %, 11.17 W, [Unknown Error], N/A');
    expect(row).toMatchObject({
      index: 3,
      driver: null,
      memoryTotalBytes: 81920 * 1048576,
      memoryUsedBytes: 12 * 1048576,
      utilization: 0,
      powerWatts: 11.17,
      temperatureC: null,
      smClockMhz: null,
    });
  });
  test('an error line, a header and an empty answer are no rows', () => {
    expect(parseGpuRows('')).toEqual([]);
    expect(parseGpuRows('NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.')).toEqual([]);
  });
  test('a lost GPU leaves the others readable', () => {
    const rows = parseGpuRows(
      '0, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost]\n1, NVIDIA H200, 570.1, 143771, 4, 0, 75.1, 30, 345\n',
    );
    expect(rows.map((row) => row.memoryTotalBytes)).toEqual([null, 143771 * 1048576]);
  });
  test('memory by process adds up over GPUs, and a pid without a figure is left out', () => {
    expect(parseComputeApps('77, 100\n77, 50\n78, [N/A]\n')).toEqual(new Map([[77, 150 * 1048576]]));
  });
  test('only a recognised integrated device is unified', () => {
    expect(isUnifiedGpu('NVIDIA GB10')).toBe(true);
    expect(isUnifiedGpu('NVIDIA H100 80GB HBM3 MIG 1g.10gb')).toBe(false);
    expect(isUnifiedGpu('[GPU is lost]')).toBe(false);
  });
});

describe('energy', () => {
  test('power is integrated by the trapezoidal rule and held to the end', () => {
    const meter = new EnergyMeter();
    meter.add(0, 100);
    meter.add(3_600_000, 200);
    expect(meter.total(3_600_000)).toBeCloseTo(150);
    expect(meter.total(5_400_000)).toBeCloseTo(250);
  });
  test('a gap is not bridged, and without a reading there is no figure', () => {
    const meter = new EnergyMeter();
    meter.add(0, null);
    expect(meter.total(1000)).toBeNull();
    meter.add(0, 100);
    meter.add(1000, null);
    meter.add(3_600_000, 100);
    expect(meter.total(3_600_000)).toBe(0);
  });
});

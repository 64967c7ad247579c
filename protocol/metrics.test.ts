import { expect, test } from 'vitest';
import { parseMetricJson, parseMetricLine, parseMetricNumber } from './metrics.js';

test('a text that is no number of a training program is no metric, least of all 0', () => {
  for (const text of ['', ' ', '\t', '0x10', '0b1', '1_000', '1,5', 'none', 'infinite', '--1'])
    expect(parseMetricNumber(text), JSON.stringify(text)).toBeUndefined();
  expect(parseMetricJson('{"name":"loss","value":""}')).toBeNull();
  expect(parseMetricJson('{"name":"loss","value":" "}')).toBeNull();
});

test('numbers are read as programs print them, in every spelling of NaN and infinity', () => {
  expect([' 1 ', '-1.5', '+.5', '5.', '1e-3', '2E+2'].map(parseMetricNumber)).toEqual([1, -1.5, 0.5, 5, 0.001, 200]);
  expect(['nan', 'NaN', '-nan'].map(parseMetricNumber)).toEqual([NaN, NaN, NaN]);
  expect(['inf', '+Infinity', '-INF'].map(parseMetricNumber)).toEqual([Infinity, Infinity, -Infinity]);
  expect(parseMetricJson('{"name":"loss","value":NaN,"step":3}')).toEqual({ name: 'loss', value: NaN, step: 3 });
  expect(parseMetricLine('loss: 0x10')).toEqual([]);
  expect(parseMetricLine('epoch 3 METRIC:val/loss=1.25 done')).toEqual([{ name: 'val/loss', value: 1.25 }]);
});

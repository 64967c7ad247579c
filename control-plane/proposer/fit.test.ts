import { expect, test } from 'vitest';
import { fitItems, type Item } from './fit.js';

function item(worth: number, length: number, more: Partial<Item> = {}): Item {
  return { section: 's', text: 'x'.repeat(length), worth, label: 'lines', ...more };
}
function fit(items: Item[], units: number, reserve = 0) {
  return fitItems([{ name: 's', head: [], items }], 100, units, reserve);
}

test('with room for all nothing is cut and nothing is reserved', () => {
  const items = [item(1, 9), item(2, 9)];
  expect(fit(items, 120, 50)).toEqual({ kept: new Set(items), cut: [], fits: true, reserved: 0 });
});

test('the least worth goes first, whatever its place', () => {
  const [low, high, middle] = [item(1, 49), item(3, 49), item(2, 49)];
  const { kept, cut } = fit([low, high, middle], 240);
  expect([...kept]).toEqual([high, middle]);
  expect(cut).toEqual(['lines: 1 of 3']);
});

test('what is too long is passed over for what still fits', () => {
  const [long, short] = [item(9, 500), item(1, 10)];
  expect([...fit([long, short], 200).kept]).toEqual([short]);
});

test('a detail goes with the line that it needs', () => {
  const line = item(5, 500);
  const detail = item(4, 5, { needs: line });
  expect(fit([line, detail], 200).kept.size).toBe(0);
});

test('what must stay stays, and says when it cannot fit', () => {
  const must = item(Infinity, 300);
  expect(fit([must, item(1, 300)], 500)).toMatchObject({ fits: true, kept: new Set([must]) });
  expect(fit([must], 200)).toMatchObject({ fits: false, kept: new Set([must]) });
});

test('a reserve is kept free of items', () => {
  const items = Array.from({ length: 10 }, () => item(1, 19));
  const without = fit(items, 250).kept.size;
  const { kept, reserved } = fit(items, 250, 40);
  expect(reserved).toBe(40);
  expect(kept.size).toBe(without - 2);
});

import type { Menu } from '@nightshift/protocol';
import { quote, sentence } from './text.js';

/** Rail `menu`: the knob is one of the menu's own. Names are compared as they are: case, spaces and look-alike letters count. */
export function railMenu(knob: string, menu: Pick<Menu, 'knobs'>): string | null {
  if (Object.hasOwn(menu.knobs, knob)) return null;
  const names = Object.keys(menu.knobs);
  const folded = fold(knob);
  const near = names.find((name) => fold(name) === folded);
  const suggestion = near === undefined ? '' : ` Did you mean ${near}?`;
  return sentence(`${quote(knob)} is not a knob of the menu.${suggestion} Knobs: ${names.join(', ')}.`);
}

function fold(name: string): string {
  return name
    .slice(0, 80)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}

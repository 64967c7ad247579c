/**
 * The strongly connected parts of a graph of `count` nodes, each behind those that it leads to, by Tarjan's algorithm: one pass, and no
 * recursion, as the depth is what a patch says. Pure.
 */
export function components(count: number, leadsTo: (node: number) => readonly number[]): number[][] {
  const found: number[][] = [];
  const order = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const isOpen = new Uint8Array(count);
  const open: number[] = [];
  const path: { node: number; next: number }[] = [];
  let visited = 0;

  for (let start = 0; start < count; start++) {
    if (order[start] === -1) enter(start);
    for (let at = path.at(-1); at; at = path.at(-1)) {
      const to = leadsTo(at.node)[at.next++];
      if (to === undefined) leave(at.node);
      else if (order[to] === -1) enter(to);
      else if (isOpen[to]) lower(at.node, order[to] as number);
    }
  }
  return found;

  function enter(node: number): void {
    order[node] = low[node] = visited++;
    isOpen[node] = 1;
    open.push(node);
    path.push({ node, next: 0 });
  }

  function leave(node: number): void {
    path.pop();
    const above = path.at(-1);
    if (above) lower(above.node, low[node] as number);
    if (low[node] !== order[node]) return;
    const part = open.splice(open.lastIndexOf(node));
    for (const member of part) isOpen[member] = 0;
    found.push(part);
  }

  function lower(node: number, to: number): void {
    low[node] = Math.min(low[node] as number, to);
  }
}

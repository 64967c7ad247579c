const VAGUE = /could not read from remote repository/i;

/**
 * What git complains of, in one line. Its last lines are advice ("and the repository exists."), its first may be warnings: the first error
 * counts, with the line before it where only that one says why (ssh).
 */
export function gitComplaint(stderr: string): string {
  const lines = stderr
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const at = lines.findIndex((line) => /^(fatal|error):/i.test(line));
  const before = lines[at - 1];
  const said = at < 0 ? lines.at(-1) : VAGUE.test(lines[at] as string) && before ? `${before} ${lines[at]}` : lines[at];
  return (said ?? '').slice(0, 300);
}

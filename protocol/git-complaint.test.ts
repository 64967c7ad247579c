import { describe, expect, it } from 'vitest';
import { gitComplaint } from './git-complaint.js';

const ADVICE =
  'fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n';

describe('what git complains of', () => {
  it.each([
    [
      `fatal: '/nope' does not appear to be a git repository\n${ADVICE}`,
      "fatal: '/nope' does not appear to be a git repository",
    ],
    [`warning: odd\nerror: bad object\nfatal: stop\n`, 'error: bad object'],
    [
      `git@host: Permission denied (publickey).\r\n${ADVICE}`,
      'git@host: Permission denied (publickey). fatal: Could not read from remote repository.',
    ],
    [ADVICE, 'fatal: Could not read from remote repository.'],
    ['spawn git ENOENT\n', 'spawn git ENOENT'],
    ['', ''],
  ])('is its first error, never its advice: %j', (stderr, said) => expect(gitComplaint(stderr)).toBe(said));
});

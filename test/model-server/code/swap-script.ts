import { readCodePrompt } from './read-code-prompt.js';
import type { Swap } from './script.js';
import { applySwaps, writeAnswer, type Words } from './write-answer.js';

/** A change of one file that is proposed where its text stands, once. */
export interface SwapIdea extends Words {
  swap: Swap;
}

/**
 * A scripted model for any one edited file: the first idea that applies, that the record does not name, and that was not refused in this
 * turn. The same prompt always gets the same answer.
 */
export function createSwapScript(path: string, ideas: readonly SwapIdea[]): (text: string) => string | null {
  return (text) => {
    const view = readCodePrompt(text);
    const file = view?.files.find((each) => each.path === path);
    if (!view || !file) return null;
    const open = ideas.filter(
      ({ summary, swap }) => !view.memory.includes(summary) && applySwaps(file.content, [swap]) !== null,
    );
    // What no longer applied, since a keep changed the file meanwhile, is said again; what another rail refused is given up.
    const idea = open[view.refused.filter((line) => !line.includes('by the rail schema')).length];
    return idea ? writeAnswer('blocks', idea, file, [idea.swap]) : 'There is nothing left to try.';
  };
}

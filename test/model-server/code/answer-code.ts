import type { SourceFile } from '@nightshift/protocol';
import { readCodePrompt, type CodePromptView } from './read-code-prompt.js';
import { NUDGES, SCRIPT, type Idea, type Swap } from './script.js';
import { applySwaps, writeAnswer } from './write-answer.js';

const EDITED = 'train.mjs';
/** An idea that comes back unmeasured from so many turns (a rail that nobody foresaw) is given up. */
const MAX_TURNS = 3;

/** What was said before: the prompt carries nearly all of it, but not what a rail refused in an earlier turn. */
interface Said {
  turns: Set<string>;
  inTurn: Map<string, string>;
}

/**
 * The scripted model of code mode. It chooses by what stands in the prompt: the file decides which ideas still apply, the record which
 * were tried, the refusals and the crash of this turn what is to be mended. The same prompt always gets the same answer.
 * @returns a function from the messages' text to an answer; null when the prompt is not one for a patch of this example
 */
export function createCodeScript(): (text: string) => string | null {
  const answers = new Map<string, string>();
  const said = new Map<string, Said>();
  return (text) => {
    const known = answers.get(text);
    if (known !== undefined) return known;
    const view = readCodePrompt(text);
    const file = view?.files.find(({ path }) => path === EDITED);
    if (!view || !file) return null;
    const answer = mend(view, file) ?? next(view, file, said) ?? nudge(view, file) ?? 'There is nothing left to try.';
    answers.set(text, answer);
    return answer;
  };
}

/** A crash that names what an idea misspelt is answered with the idea spelt right. */
function mend(view: CodePromptView, file: SourceFile): string | null {
  if (view.repair === null) return null;
  const idea = SCRIPT.find(({ slip }) => slip && view.repair?.includes(`${misspelt(slip)} is not defined`));
  if (!idea || applySwaps(file.content, idea.swaps) === null) return null;
  const reason = `The name was misspelt as ${misspelt(idea.slip as [string, string])}; everything else stands. ${idea.reason}`;
  return writeAnswer(idea.form, { summary: idea.summary, reason }, file, idea.swaps);
}

function next(view: CodePromptView, file: SourceFile, said: Map<string, Said>): string | null {
  for (const idea of SCRIPT) {
    const target =
      idea.path === undefined
        ? file
        : { path: idea.path, content: idea.swaps.map(([search]) => `${search}\n`).join('') };
    if (applySwaps(target.content, idea.swaps) === null || view.memory.includes(idea.summary)) continue;
    const before = said.get(idea.id) ?? { turns: new Set<string>(), inTurn: new Map<string, string>() };
    const refusals = idea.refusal ? view.refused.filter((line) => idea.refusal?.test(line)).length : 0;
    const wasSaid = before.turns.has(view.turn);
    if (idea.misread && refusals <= 1 && (refusals === 1 || !wasSaid)) return say(idea, refusals === 0);
    if (idea.misread) continue;
    if (typeof idea.ends === 'object') {
      const isOver = refusals >= (idea.insists ?? 1) || (before.turns.size > 0 && !wasSaid);
      if (isOver) continue;
    } else if ((wasSaid && view.refused.length > 0) || before.turns.size >= MAX_TURNS) continue;
    return say(idea, idea.slip !== undefined && view.repair === null);

    function say({ id, form, swaps, slip, misread }: Idea, isWrong: boolean): string {
      before.turns.add(view.turn);
      said.set(id, before);
      const written = writeAnswer(form, idea, target, isWrong && slip ? misspell(swaps, slip) : swaps);
      return isWrong && misread ? written.replace(misread[0], misread[1]) : written;
    }
  }
  return null;
}

/** After the script: one constant of the file is set to a value that the record does not name. */
function nudge(view: CodePromptView, file: SourceFile): string | null {
  const rounds = Math.max(...NUDGES.map(([, values]) => values.length));
  const open = Array.from({ length: rounds }, (_, round) => round).flatMap((round) =>
    NUDGES.flatMap(([name, values]) => {
      const value = values[round];
      const line = new RegExp(`^const ${name} = ([\\d.]+);`, 'm').exec(file.content);
      const summary = `Set ${name} to ${value}`;
      if (value === undefined || !line || line[1] === value || view.memory.includes(summary)) return [];
      const reason = `${name} is ${line[1]}; a moderate step shows which way it goes.`;
      return [{ summary, reason, swap: [line[0], `const ${name} = ${value};`] as const }];
    }),
  );
  // What was refused in this turn is not named in the record: one further for each refusal.
  const choice = open[view.refused.length];
  return choice ? writeAnswer('blocks', choice, file, [choice.swap]) : null;
}

function misspell(swaps: readonly Swap[], [right, wrong]: readonly [string, string]): Swap[] {
  let isDone = false;
  return swaps.map(([search, replacement]) => {
    if (isDone || !replacement.includes(right)) return [search, replacement];
    isDone = true;
    return [search, replacement.replace(right, wrong)];
  });
}

/** The word of the misspelt text that the right one does not have. */
function misspelt([right, wrong]: readonly [string, string]): string {
  const words = new Set(right.match(/\w+/g));
  return (wrong.match(/\w+/g) ?? []).find((word) => !words.has(word)) ?? wrong;
}

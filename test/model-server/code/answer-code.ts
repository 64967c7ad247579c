import type { SourceFile } from '@nightshift/protocol';
import { readCodePrompt, type CodePromptView } from './read-code-prompt.js';
import { NUDGES, SCRIPT, type Idea, type Swap } from './script.js';
import { applySwaps, writeAnswer } from './write-answer.js';

const EDITED = 'train.mjs';
/** An idea that comes back unmeasured from so many turns (a rail that nobody foresaw) is given up. */
const MAX_TURNS = 3;

/**
 * Turns in which an idea was handed in as it is meant, by its id, with the file that it changed. A prompt tells neither what trains now
 * nor what a rail refused earlier.
 */
type Said = Map<string, Map<string, string>>;

/**
 * The scripted model of code mode. It chooses by what stands in the prompt: the file decides which ideas still apply, the record which
 * were tried, the refusals and the crash of this turn what is to be mended. The same prompt always gets the same answer.
 * @returns a function from the messages' text to an answer; null when the prompt is not one for a patch of this example
 */
export function createCodeScript(): (text: string) => string | null {
  const answers = new Map<string, string>();
  const said: Said = new Map();
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

function next(view: CodePromptView, file: SourceFile, said: Said): string | null {
  const turnsOf = (idea: Idea) => said.get(idea.id) ?? new Map<string, string>();
  const isSaidElsewhere = (idea: Idea) => [...turnsOf(idea).keys()].some((turn) => turn !== view.turn);
  const open = SCRIPT.filter((idea) => {
    if (view.memory.includes(idea.summary) || turnsOf(idea).size >= MAX_TURNS) return false;
    if (idea.path === undefined && applySwaps(file.content, idea.swaps) === null) return false;
    const refusals = refusalsOf(idea, view);
    if (typeof idea.ends === 'object') return refusals < (idea.insists ?? 1) && !isSaidElsewhere(idea);
    return !turnsOf(idea).has(view.turn);
  });
  // Said in another turn, of this very file, and not in the record: it trains now. Of another file: it was dropped with that file.
  const trains = (idea: Idea) =>
    [...turnsOf(idea)].some(([turn, content]) => turn !== view.turn && content === file.content);
  const idea = open.find((each) => !trains(each)) ?? open[0];
  if (!idea) return null;
  const isMisread = idea.misread !== undefined && refusalsOf(idea, view) === 0;
  if (!isMisread) said.set(idea.id, turnsOf(idea).set(view.turn, file.content));
  // A file that is not shown is quoted from memory.
  const quoted = idea.swaps.map(([search]) => `${search}\n`).join('');
  const target = idea.path === undefined ? file : { path: idea.path, content: quoted };
  const swaps = idea.slip && view.repair === null ? misspell(idea.swaps, idea.slip) : idea.swaps;
  const answer = writeAnswer(idea.form, idea, target, swaps);
  return isMisread && idea.misread ? answer.replace(idea.misread[0], idea.misread[1]) : answer;
}

function refusalsOf({ refusal }: Idea, view: CodePromptView): number {
  return refusal ? view.refused.filter((line) => refusal.test(line)).length : 0;
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

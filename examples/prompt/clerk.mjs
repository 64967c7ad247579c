// Sealed. The clerk that follows a prompt to the letter: a deterministic reader of a few kinds of sentences, no model.
//   If the message mentions A[, B or C][ and D[ or E]][ but not F[ or G]], answer LABEL.
//   Otherwise answer LABEL.
// Sentences are tried in order and the first that holds is the answer. Every other sentence is read, costs its words, and
// changes nothing. A phrase is found as whole words, in any case; * at the end of a word stands for any ending.
export const LABELS = ['account', 'billing', 'delivery', 'other', 'technical'];
export const MAX_PROMPT_BYTES = 10_000;
/** What one word of the prompt costs, in points of accuracy: a prompt is paid for with every message. */
export const WORD_COST = 0.0005;

const RULE = /^If the message mentions (.+?)(?: and (.+?))?(?: but not (.+?))?, answer (\w+)$/i;
const ELSE = /^Otherwise,? answer (\w+)$/i;

/** A word as a pattern: letters and digits stand for themselves, whatever else is written. */
function wordPattern(word) {
  const letters = word.replace(/\W/g, '');
  return letters && letters + (/\*\W*$/.test(word) ? '\\w*' : '');
}

function finderOf(list) {
  const patterns = list
    .split(/\s*,\s*|\s+or\s+/)
    .map((phrase) => phrase.replace(/^or\s+/, '').split(/\s+/).map(wordPattern).filter(Boolean))
    .filter((words) => words.length > 0)
    .map((words) => new RegExp(`\\b${words.join('\\W+')}\\b`, 'i'));
  return (message) => patterns.some((pattern) => pattern.test(message));
}

/** @returns {(message: string) => string | null} what the clerk answers; null when no sentence says */
export function readPrompt(text) {
  if (Buffer.byteLength(text) > MAX_PROMPT_BYTES) throw new Error(`the prompt is longer than ${MAX_PROMPT_BYTES} bytes`);
  const rules = [];
  for (const sentence of text.split(/(?<=\.)\s+|\n/).map((part) => part.trim().replace(/\.$/, ''))) {
    const [rule, fallback] = [RULE.exec(sentence), ELSE.exec(sentence)];
    if (rule) {
      const [, any, also, never, label] = rule;
      const [hasAny, hasAlso, hasNever] = [finderOf(any), also && finderOf(also), never && finderOf(never)];
      const holds = (message) => hasAny(message) && (!hasAlso || hasAlso(message)) && !(hasNever && hasNever(message));
      rules.push({ holds, label: label.toLowerCase() });
    } else if (fallback) rules.push({ holds: () => true, label: fallback[1].toLowerCase() });
  }
  return (message) => rules.find(({ holds }) => holds(message))?.label ?? null;
}

/** Accuracy over the labels, each counting the same, less the cost of the words. */
export function scoreOf(text, messages) {
  const answer = readPrompt(text);
  const words = text.split(/\s+/).filter(Boolean).length;
  const wrong = messages.filter(({ message, label }) => answer(message) !== label);
  const shares = LABELS.map((label) => {
    const own = messages.filter((row) => row.label === label);
    return 1 - own.filter((row) => wrong.includes(row)).length / own.length;
  });
  const accuracy = shares.reduce((a, b) => a + b) / LABELS.length;
  return { score: accuracy - WORD_COST * words, accuracy, words, wrong };
}

/** Rows `label<TAB>message`. */
export function readMessages(text) {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [label, message] = line.split('\t');
      if (!LABELS.includes(label) || !message) throw new Error(`not a label and a message: ${line.slice(0, 60)}`);
      return { label, message };
    });
}

import { AppError, type FieldError } from '@nightshift/protocol';
import { plainText } from '@nightshift/control-plane/trajectory/wording';

/** What is wrong with a file that a person wrote: places are told as file:line:column. */
export class InputFileError extends AppError {
  constructor(
    readonly file: string,
    code: AppError['code'],
    message: string,
    options: { errors?: FieldError[]; hint?: string } = {},
  ) {
    super(code, message, options);
    this.name = 'InputFileError';
  }
}

const MOST_PLACES = 20;
/** A mistake of syntax brings the next: what stands after the first few says nothing. */
const MOST_OF_SYNTAX = 3;

/** An expected error in lines for a person: what is wrong, where, and what to do next. */
export function errorText(error: AppError): string {
  const lines = [`error: ${plainText(error.message, 2000)}`];
  const file = error instanceof InputFileError ? error.file : null;
  const errors = error.errors ?? [];
  // One field error that the message already says in full would be the same line twice.
  const isSaid = file === null && errors.length === 1 && error.message.includes(errors[0]!.message);
  const most = errors.every(({ path }) => path === '') ? MOST_OF_SYNTAX : MOST_PLACES;
  if (!isSaid) for (const place of errors.slice(0, most)) lines.push(`  ${placeText(place, file)}`);
  if (errors.length > most) lines.push(`  and ${errors.length - most} more`);
  if (error.hint) lines.push(`  → ${plainText(error.hint, 2000)}`);
  return `${lines.join('\n')}\n`;
}

function placeText({ path, message, line, column }: FieldError, file: string | null): string {
  const at = [file, line, column].filter((part) => part !== null && part !== undefined).join(':');
  return [at, path && `${plainText(path, 300)}:`, plainText(message, 1000)].filter(Boolean).join(' ');
}

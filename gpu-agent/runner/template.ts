type Value = number | string | boolean;

/** A knob's value as one word of a shell command. */
export function shellQuote(value: Value): string {
  const text = String(value);
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Replaces `{{knob}}` by the knob's value, quoted for the shell. A name that is no knob is left as it stands. */
export function fillTemplate(command: string, config: Record<string, Value>): string {
  return command.replace(/\{\{\s*([A-Za-z][A-Za-z0-9_]*)\s*\}\}/g, (whole, name: string) =>
    Object.hasOwn(config, name) ? shellQuote(config[name] as Value) : whole,
  );
}

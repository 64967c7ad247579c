/** Why a text is not Python, and where. Never leaves this folder. */
export class PythonError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

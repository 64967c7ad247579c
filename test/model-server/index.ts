export { BEHAVIOURS, type Behaviour } from './behaviours.js';
export { createSwapScript, type SwapIdea } from './code/swap-script.js';
export { readPrompt, type PromptView } from './read-prompt.js';
export { startModelServer, type ModelServer, type ModelServerOptions, type ServedCall } from './server.js';

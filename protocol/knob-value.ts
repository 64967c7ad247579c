import { z } from 'zod';

/** The value of a knob, and of every knob of a menu, as JSON carries them; whether they fit a menu is for its rails. */
export const knobValueSchema = z.union([z.number(), z.string(), z.boolean()]);
export const configSchema = z.record(z.string(), knobValueSchema);

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '@nightshift/db';
import type { Box, World } from '../e2e/harness.js';

export type Random = () => number;

/** What a fault may touch. `own` is a Postgres server of which nobody else has a database. */
export interface Scene {
  world: World;
  database: Database;
  isServerOwn: boolean;
  random: Random;
}

/** A seeded generator (a 32-bit mix of a counter): the same seed gives the same faults in the same order. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let t = state ^ (state >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return ((t ^ (t >>> 15)) >>> 0) / 2 ** 32;
  };
}
export const between = (random: Random, from: number, to: number) => from + random() * (to - from);
const pick = <T>(random: Random, items: T[]): T => items[Math.floor(random() * items.length)] as T;
const box = ({ world, random }: Scene): Box => pick(random, world.boxes);

/** Each does its harm and takes it back; what it broke must mend itself. The weight says how often it comes. */
export const FAULTS: Record<string, { weight: number; needsOwnServer?: boolean; strike(scene: Scene): Promise<void> }> =
  {
    'agent killed': {
      weight: 4,
      async strike(scene) {
        const victim = box(scene);
        await victim.kill();
        await pause(between(scene.random, 0, 400));
        await victim.start();
      },
    },
    'control plane killed': {
      weight: 3,
      async strike({ world, random }) {
        const victim = pick(random, world.planes);
        await victim.kill();
        await pause(between(random, 0, 400));
        await victim.start();
      },
    },
    'control plane and agent killed': {
      weight: 1,
      async strike(scene) {
        const victim = box(scene);
        await Promise.all([scene.world.plane.kill(), victim.kill()]);
        await Promise.all([scene.world.plane.start(), victim.start()]);
      },
    },
    'control plane restarted politely': {
      weight: 1,
      async strike({ world, random }) {
        const victim = pick(random, world.planes);
        await victim.stop();
        await victim.start();
      },
    },
    'database connection ended': {
      weight: 4,
      async strike({ database, random }) {
        const rows = await database.sql<{ pid: number }[]>`
        select pid from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' order by pid`;
        if (rows.length > 0) await database.sql`select pg_terminate_backend(${pick(random, [...rows]).pid})`;
      },
    },
    'all database connections ended': {
      weight: 2,
      async strike({ database }) {
        await database.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;
      },
    },
    // The postmaster answers by ending every backend and recovering from its log: seconds of a database that is away.
    'database backend killed': {
      weight: 1,
      needsOwnServer: true,
      async strike({ database, random }) {
        const rows = await database.sql<{ pid: number }[]>`
        select pid from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' order by pid`;
        if (rows.length > 0) killQuietly(pick(random, [...rows]).pid);
      },
    },
    'network cut': {
      weight: 4,
      async strike(scene) {
        box(scene).network.cut();
      },
    },
    'network away': {
      weight: 2,
      async strike(scene) {
        const { network } = box(scene);
        network.isRefusing = true;
        network.cut();
        await pause(between(scene.random, 100, 1200));
        network.isRefusing = false;
      },
    },
    'network stalled, then flowing': {
      weight: 2,
      async strike(scene) {
        const { network } = box(scene);
        network.freeze();
        await pause(between(scene.random, 100, 1500));
        network.thaw('resume');
      },
    },
    'network half open, then broken': {
      weight: 3,
      async strike(scene) {
        const { network } = box(scene);
        network.freeze();
        await pause(between(scene.random, 100, 1500));
        network.thaw('cut');
      },
    },
    'network slow': {
      weight: 2,
      async strike(scene) {
        const { network } = box(scene);
        network.bytesPerSecond = between(scene.random, 30_000, 300_000);
        network.delayMs = between(scene.random, 1, 40);
        await pause(between(scene.random, 500, 1500));
        network.bytesPerSecond = null;
        network.delayMs = 0;
      },
    },
    'reconnect storm': {
      weight: 2,
      async strike({ world, random }) {
        const times = Math.round(between(random, 5, 25));
        for (let i = 0; i < times; i++) {
          for (const { network } of world.boxes) network.cut();
          await pause(between(random, 5, 120));
        }
      },
    },
    // An attempt whose runner is gone is lost with evidence, and its job given out again: still one counted result.
    'runner killed': {
      weight: 1,
      async strike({ world, random }) {
        const runners = runnersOf(world.id);
        if (runners.length > 0) killQuietly(pick(random, runners));
      },
    },
  };

export function chooseFault(random: Random, isServerOwn: boolean): string {
  const choices = Object.entries(FAULTS).filter(([, { needsOwnServer }]) => isServerOwn || !needsOwnServer);
  let left = random() * choices.reduce((sum, [, { weight }]) => sum + weight, 0);
  for (const [name, { weight }] of choices) {
    left -= weight;
    if (left < 0) return name;
  }
  return choices[0]?.[0] as string;
}

// A runner without a job, or a backend, may end by itself between the look and the blow.
function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has just gone
  }
}

function runnersOf(worldId: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((name) => {
    try {
      const isRunner = readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('runner/main.js');
      return isRunner && readFileSync(`/proc/${name}/environ`, 'latin1').includes(worldId) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

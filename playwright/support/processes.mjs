// Processes that a test starts. Each is noted with its start time in test-results/pids, so that
// `cargo xtask test` can end what is left even when this process is killed.

import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const RESULTS = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../test-results');
mkdirSync(RESULTS, { recursive: true });

const PIDS = path.join(RESULTS, 'pids');

/** Notes a process that somebody else (a browser driver) started. */
export function note(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain blanks; what follows is field 3 and up.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3];
    appendFileSync(PIDS, `${pid} ${started}\n`);
  } catch {
    // Already gone: nothing to end.
  }
}

const started = new Set();
process.once('exit', () => {
  for (const child of started) if (!hasEnded(child)) child.kill('SIGKILL');
});

/** Starts and notes a process. It does not keep this one alive, and ends with it at the latest. */
export function start(program, args, options) {
  const child = spawn(program, args, options);
  child.on('error', () => {}); // shows as an exit
  if (child.pid) note(child.pid);
  child.unref();
  for (const pipe of [child.stdout, child.stderr]) pipe?.unref();
  started.add(child);
  return child;
}

export function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

/** Asks a process to end, and makes it end after `patienceMs`. Answers its exit code, null if killed. */
export async function stop(child, patienceMs = 10_000) {
  if (!hasEnded(child)) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.ref();
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    await ended;
    clearTimeout(hard);
  }
  return child.exitCode;
}

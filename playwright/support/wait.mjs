// Waiting for facts. Tests never wait for a fixed time: they wait until something holds, or fail and
// say what was seen last.

/** Milliseconds that a condition may take on a busy machine. */
export const PATIENCE_MS = 30_000;

const INTERVAL_MS = 100;

/**
 * Asks `look` again and again until it answers something truthy, and answers that.
 * An exception counts as "not yet": its message is part of the final error.
 */
export async function until(what, look, patienceMs = PATIENCE_MS, everyMs = INTERVAL_MS) {
  const deadline = Date.now() + patienceMs;
  let seen;
  for (;;) {
    try {
      const value = await look();
      if (value) return value;
      seen = value;
    } catch (error) {
      seen = error;
    }
    if (Date.now() > deadline) {
      const last = seen instanceof Error ? seen.message : JSON.stringify(seen);
      throw new Error(`waited ${patienceMs / 1000} s in vain until ${what}; last seen: ${last}`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Waits until a counter has grown by at least `by` from where it is now. */
export async function untilGrows(what, count, by, patienceMs) {
  let first;
  return until(
    `${what} grows by ${by}`,
    async () => {
      const now = await count();
      first ??= now;
      return now >= first + by ? now : Promise.reject(new Error(`from ${first} to ${now}`));
    },
    patienceMs,
  );
}

/** Waits until a counter has stayed the same for `stillMs`. */
export async function untilStill(what, count, stillMs = 2_000, patienceMs) {
  let last;
  let since = Date.now();
  return until(
    `${what} stays the same for ${stillMs / 1000} s`,
    async () => {
      const now = await count();
      if (now !== last) {
        last = now;
        since = Date.now();
      }
      // 0 would look like "not yet".
      return Date.now() - since >= stillMs ? { value: now } : Promise.reject(new Error(`still moving at ${now}`));
    },
    patienceMs,
  );
}

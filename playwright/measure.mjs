// Figures of the release server on this machine: how fast it starts, and how much memory it holds idle
// and with eight people in a meeting. `node measure.mjs`

import { readFileSync } from 'node:fs';

import { launchChromium } from './support/browsers.mjs';
import { Participant } from './support/meeting.mjs';
import { Server } from './support/server.mjs';

const STARTS = 9;
const PEOPLE = 8;

/** Resident memory in MiB. */
function resident(pid) {
  const [, kib] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB/m);
  return (Number(kib) / 1024).toFixed(1);
}

/** Processor time used so far, in seconds. */
function used(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[14 - 3]) + Number(fields[15 - 3])) / 100;
}

const starts = [];
for (let index = 0; index < STARTS; index += 1) {
  const server = await Server.start({}, { everyMs: 1 });
  starts.push(server.startedInMs);
  await server.stop();
}
starts.sort((a, b) => a - b);
console.log(`start to first answered request: median ${starts[STARTS >> 1].toFixed(0)} ms of ${STARTS}`);

const server = await Server.start();
const browser = await launchChromium();
try {
  console.log(`resident memory, idle: ${resident(server.child.pid)} MiB`);
  const room = await server.createRoom();
  const people = [];
  for (let index = 1; index <= PEOPLE; index += 1) {
    people.push(await Participant.join(browser, room.speakerUrl, `Person ${index}`, { viewport: { width: 640, height: 480 } }));
    console.log(`resident memory, ${index} in a meeting: ${resident(server.child.pid)} MiB`);
  }
  for (const person of people) await person.seesMoving(PEOPLE - 1, 120_000);
  const [since, before] = [Date.now(), used(server.child.pid)];
  await people[0].seesMoving(PEOPLE - 1, 120_000);
  const share = (used(server.child.pid) - before) / ((Date.now() - since) / 1000);
  console.log(`with media flowing: ${resident(server.child.pid)} MiB, ${(share * 100).toFixed(1)} % of a core`);
} finally {
  await browser.close();
  await server.stop();
}

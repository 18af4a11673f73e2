// One in Firefox, one in Chromium.

import { after, before, describe, test } from 'node:test';

import { launchChromium, launchFirefox } from '../support/browsers.mjs';
import { Participant } from '../support/meeting.mjs';
import { Server } from '../support/server.mjs';

describe('Firefox', () => {
  let server, chromium, firefox;

  before(async () => {
    server = await Server.start();
    chromium = await launchChromium();
    firefox = await launchFirefox();
  });
  after(async () => {
    await firefox?.close();
    await chromium?.close();
    await server?.stop();
  });

  test('meets Chromium: both see and hear each other', async () => {
    const room = await server.createRoom();
    const anna = await Participant.join(chromium, room.moderatorUrl, 'Anna');
    const fritz = await Participant.join(firefox, room.speakerUrl, 'Fritz');
    await anna.seesMoving(1);
    await fritz.seesMoving(1);
    await anna.hears();
    await fritz.hears();
    await fritz.leave();
    await anna.untilRemoteTiles(0);
  });
});

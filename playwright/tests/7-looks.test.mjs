// A picture of each view, light and dark, on a desktop and on a phone, into test-results/looks; and
// what can be checked without eyes: nothing overflows, every button has a name.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { launchChromium } from '../support/browsers.mjs';
import { Participant } from '../support/meeting.mjs';
import { RESULTS } from '../support/processes.mjs';
import { Server } from '../support/server.mjs';

const FOLDER = path.join(RESULTS, 'looks');
mkdirSync(FOLDER, { recursive: true });

const SIZES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
};

/** Buttons and fields that a screen reader could not name. */
function nameless(page) {
  return page.evaluate(() => [...document.querySelectorAll('button, a[href], input, select, textarea')]
    .filter((element) => element.checkVisibility())
    .filter((element) => {
      const labels = [...(element.labels ?? [])].map((label) => label.innerText).join('');
      const byId = (element.getAttribute('aria-labelledby') ?? '').split(' ')
        .map((id) => document.getElementById(id)?.innerText ?? '').join('');
      return !`${element.getAttribute('aria-label') ?? ''}${byId}${labels}${element.innerText}${element.title}`.trim();
    })
    .map((element) => element.outerHTML.slice(0, 120)));
}

describe('looks', () => {
  let server, browser;

  before(async () => {
    server = await Server.start();
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  for (const [size, options] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      test(`each view on a ${size}, ${colorScheme}`, async () => {
        const room = await server.createRoom({ roomName: 'Quarterly review' });
        const ben = await Participant.join(browser, room.speakerUrl, 'Ben');
        const page = await browser.newPage({ ...options, colorScheme });
        const look = async (view) => {
          await page.screenshot({ path: path.join(FOLDER, `${view}-${size}-${colorScheme}.png`) });
          const { scroll, width } = await page.evaluate(() => ({
            scroll: document.documentElement.scrollWidth,
            width: document.documentElement.clientWidth,
          }));
          assert.ok(scroll <= width, `${view} is ${scroll} wide on a screen of ${width}`);
          assert.deepEqual(await nameless(page), [], `${view} has controls without a name`);
        };
        const anna = new Participant(page);

        await anna.openJoinView(room.moderatorUrl);
        await look('join');
        await anna.openDeviceView('Anna');
        await page.locator('ov-pre-join video').waitFor();
        await look('device');
        await anna.enter();
        await anna.seesMoving(1);
        await look('meeting');
        await ben.leave();
        await anna.untilRemoteTiles(0);
        await look('alone');
        await anna.leave();
        await page.locator('ov-end-meeting').waitFor();
        await look('end');
        await page.goto(`${server.url}/room/nowhere-abcdefghijklmno?secret=x`);
        await page.locator('ov-error .error-title').waitFor();
        await look('error');
        await page.context().close();
        await ben.page.context().close();
      });
    }
  }
});

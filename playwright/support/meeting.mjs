// A participant of a meeting in our app, by the stable names of the UI contract (ui.md 12.1).

import path from 'node:path';

import { audioEnergy, framesDecoded, inbound, outbound } from './media.mjs';
import { RESULTS } from './processes.mjs';
import { until } from './wait.mjs';

const REMOTE = '.OV_stream.remote';

let pictures = 0;

export class Participant {
  constructor(page) {
    this.page = page;
  }

  /** Opens a room link and joins, as a person does. */
  static async join(browser, link, name, options) {
    const participant = new Participant(await browser.newPage(options));
    await participant.join(link, name);
    return participant;
  }

  async join(link, name) {
    await this.openJoinView(link);
    await this.openDeviceView(name);
    await this.enter();
  }

  openJoinView(link) {
    return this.explained(async () => {
      await this.page.goto(link);
      await this.page.locator('#participant-name-input').waitFor();
    });
  }

  openDeviceView(name) {
    this.name = name;
    return this.explained(async () => {
      await this.page.locator('#participant-name-input').fill(name);
      await this.page.locator('#participant-name-submit').click();
      await this.page.locator('ov-pre-join').waitFor();
    });
  }

  enter() {
    return this.explained(async () => {
      await this.page.locator('#join-button').click();
      await this.page.locator('ov-session').waitFor();
      await this.page.locator('.OV_stream.local').first().waitFor();
    });
  }

  /** Does something; when that fails, the error tells what this participant's page is like. */
  async explained(act) {
    try {
      return await act();
    } catch (error) {
      pictures += 1;
      const picture = path.join(RESULTS, `failure-${process.pid}-${pictures}.png`);
      await this.page.screenshot({ path: picture, timeout: 5_000 }).catch(() => {});
      const streams = await Promise.all([inbound(this.page), outbound(this.page)]).catch((reason) => reason.message);
      throw new Error(
        `${this.name ?? 'somebody'}: ${error.message}\npicture: ${picture}\nstreams in, out: ${JSON.stringify(streams)}\n`
          + `complaints: ${JSON.stringify(this.page.complaints.slice(-20))}`,
        { cause: error },
      );
    }
  }

  /** Clicks a button of the toolbar. */
  async press(selector) {
    await this.page.locator(selector).click();
  }

  remoteTiles() {
    return this.page.locator(REMOTE).count();
  }

  untilRemoteTiles(count, patienceMs) {
    return this.explained(() => until(`${count} remote tiles are shown`, async () => {
      const seen = await this.remoteTiles();
      return seen === count ? true : Promise.reject(new Error(`${seen} tiles`));
    }, patienceMs));
  }

  /** Frames decoded for each remote tile that shows a video: what people see, not only what arrives. */
  async framesByTile() {
    const tracks = await this.page.locator(`${REMOTE} video`).evaluateAll((videos) =>
      videos.map((video) => video.srcObject?.getVideoTracks()[0]?.id),
    );
    const streams = await inbound(this.page);
    return tracks.map((track) => streams.find((stream) => stream.kind === 'video' && stream.track === track)?.frames ?? 0);
  }

  /** Waits until each of `count` remote tiles shows moving pictures. */
  seesMoving(count, patienceMs) {
    let first;
    return this.explained(() => until(`${count} remote videos move`, async () => {
      const now = await this.framesByTile();
      if (now.length !== count) {
        first = undefined;
        throw new Error(`${now.length} remote videos: ${now}`);
      }
      first ??= now;
      return now.every((frames, index) => frames >= first[index] + 10)
        ? true
        : Promise.reject(new Error(`frames from ${first} to ${now}`));
    }, patienceMs));
  }

  /** Waits until the loudspeaker plays something. */
  hears(patienceMs) {
    let first;
    return this.explained(() => until('sound is heard', async () => {
      const now = await audioEnergy(this.page);
      first ??= now;
      return now > first ? true : Promise.reject(new Error(`energy stays ${now}`));
    }, patienceMs));
  }

  frames() {
    return framesDecoded(this.page);
  }

  energy() {
    return audioEnergy(this.page);
  }

  /** Leaves, whether the button leaves at once (speaker) or opens a menu (moderator). */
  async leave() {
    await this.press('#leave-btn');
    const option = this.page.locator('#leave-option');
    await until('the meeting is left', async () => {
      if (await option.isVisible()) await option.click();
      return (await this.page.locator('ov-session').count()) === 0;
    });
  }
}

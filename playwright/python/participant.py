"""A participant made with LiveKit's Python SDK: publishes a synthetic picture and tone, decodes what the
others send, and reports on standard output as JSON lines. Ends when its standard input ends.

usage: participant.py <url> <token>
"""

import asyncio
import json
import math
import sys

from livekit import rtc

WIDTH, HEIGHT, FRAMES_PER_S = 320, 240, 15
RATE, SAMPLES = 48_000, 480


def say(**fact):
    print(json.dumps(fact), flush=True)


async def show_pictures(source):
    count = 0
    while True:
        shade = count * 4 % 256
        picture = bytes([shade]) * (WIDTH * HEIGHT) + bytes([128]) * (WIDTH * HEIGHT // 2)
        source.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.I420, picture))
        count += 1
        await asyncio.sleep(1 / FRAMES_PER_S)


async def play_tone(source):
    at = 0
    while True:
        frame = rtc.AudioFrame.create(RATE, 1, SAMPLES)
        for index in range(SAMPLES):
            frame.data[index] = int(8000 * math.sin(2 * math.pi * 440 * (at + index) / RATE))
        at += SAMPLES
        await source.capture_frame(frame)


async def watch(track, identity):
    count = 0
    async for event in rtc.VideoStream(track):
        count += 1
        if count % 10 == 0:
            say(video=identity, frames=count, width=event.frame.width, height=event.frame.height)


async def listen(track, identity):
    loudest, count = 0, 0
    async for event in rtc.AudioStream(track, sample_rate=RATE, num_channels=1):
        loudest = max(loudest, max(abs(sample) for sample in event.frame.data))
        count += 1
        if count % 50 == 0:
            say(audio=identity, loudest=loudest)
            loudest = 0


async def main(url, token):
    room = rtc.Room()
    tasks = set()

    def run(coroutine):
        task = asyncio.create_task(coroutine)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    @room.on("track_subscribed")
    def subscribed(track, publication, participant):
        say(subscribed=participant.identity, kind=rtc.TrackKind.Name(track.kind))
        follow = watch if track.kind == rtc.TrackKind.KIND_VIDEO else listen
        run(follow(track, participant.identity))

    @room.on("disconnected")
    def disconnected(reason):
        say(disconnected=str(reason))

    await room.connect(url, token)
    say(connected=room.name, identity=room.local_participant.identity)

    video = rtc.VideoSource(WIDTH, HEIGHT)
    audio = rtc.AudioSource(RATE, 1)
    camera = rtc.LocalVideoTrack.create_video_track("picture", video)
    microphone = rtc.LocalAudioTrack.create_audio_track("tone", audio)
    await room.local_participant.publish_track(
        camera, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False)
    )
    await room.local_participant.publish_track(
        microphone, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    )
    say(published=True)
    run(show_pictures(video))
    run(play_tone(audio))

    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await room.disconnect()
    for task in list(tasks):
        task.cancel()


asyncio.run(main(sys.argv[1], sys.argv[2]))

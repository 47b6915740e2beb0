#!/usr/bin/env python3
"""Starts rackd and the clock of a video player together: both are made ready, then one moment is told to both.

First, in another terminal: rackd play patches/wander.toml --paused
Then: python3 examples/together.py [HOST:PORT of each engine, where there are more]…
"""
import socket
import struct
import sys
import time

PLACES = sys.argv[1:] or ["127.0.0.1:57130"]
ENGINES = [(host, int(port)) for host, _, port in (at.partition(":") for at in PLACES)]
SINCE_1900 = 2_208_988_800


def text(word):
    return word.encode() + b"\0" * (4 - len(word.encode()) % 4)


def message(address):
    return text(address) + text(",")


def bundle(when, packet):
    """A packet that acts at a time of the wall clock [s]."""
    whole = int(when)
    tag = struct.pack(">II", whole + SINCE_1900, int((when - whole) * 2**32))
    return text("#bundle") + tag + struct.pack(">i", len(packet)) + packet


def read(packet):
    """Address and arguments of a message."""
    words, at = [], 0
    for _ in range(2):
        end = packet.index(b"\0", at)
        words.append(packet[at:end].decode())
        at = end + 4 - end % 4
    values = []
    for kind in words[1][1:]:
        size = {"i": 4, "f": 4}.get(kind, 8)
        form = {"i": ">i", "f": ">f", "d": ">d", "t": ">Q"}[kind]
        values.append(struct.unpack(form, packet[at:at + size])[0])
        at += size
    return words[0], values


class Video:
    """Stands for a player: begins to count when it is told to. A real one would be handed its start the same way."""

    lead = 0.05

    def start(self, when):
        time.sleep(max(0.0, when - time.time()))
        self.began = time.time()


def ask(engine, packet, answer):
    engine.send(packet)
    while True:
        address, values = read(engine.recv(65536))
        if address == answer:
            return values


engines = []
for at in ENGINES:
    engine = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    engine.settimeout(5)
    engine.connect(at)
    engines.append(engine)

video = Video()
leads = [ask(engine, message("/transport/arm"), "/ready")[1] for engine in engines]
start = time.time() + max([video.lead, *leads]) + 0.1
for engine in engines:
    engine.send(bundle(start, message("/transport/play")))
video.start(start)
print(f"video  {(video.began - start) * 1000:+.2f} ms")
for at, engine in zip(ENGINES, engines):
    address = ""
    while address != "/transport/started":
        address, values = read(engine.recv(65536))
    print(f"{at[0]}:{at[1]}  {values[2]:+.2f} ms, at beat {values[0]:g}")

#!/usr/bin/env python3
"""A performer's desk: mixer, transport and recording of a running rackd, with what it tells of itself.

First, in another terminal: rackd play patches/keys.toml
Then: pip install python-osc; python3 examples/desk.py [PORT]
It plays eight beats and leaves desk.wav in the patch's folder.
"""
import socket
import sys
import time
from datetime import timezone

from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 57130
CHORDS = [(57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62)]


def built(address, *values):
    message = OscMessageBuilder(address)
    for value in values:
        message.add_arg(value)
    return message.build()


class Desk:
    """One socket: what is said goes out by it, what is answered and told comes back by it."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(10)
        self.kept = []

    def say(self, address, *values):
        self.socket.send(built(address, *values).dgram)

    def say_at(self, when, *messages):
        """Messages that act together at a time of the wall clock [s]."""
        bundle = OscBundleBuilder(when)
        for message in messages:
            bundle.add_content(built(*message))
        self.socket.send(bundle.build().dgram)

    def wait(self, address, first=None):
        """The values of the next message at an address, whose first value may be asked for too; what else comes is kept."""
        for at, (other, values) in enumerate(self.kept):
            if other == address and first in (None, *values[:1]):
                del self.kept[at]
                return values
        while True:
            message = OscMessage(self.socket.recv(65536))
            if message.address == "/fail":
                sys.exit("rackd: " + " ".join(map(str, message.params)))
            if message.address == address and first in (None, *message.params[:1]):
                return message.params
            self.kept.append((message.address, message.params))

    def ask(self, address, *values):
        self.say(address, *values)
        return self.wait(address)


def since_1970(tag):
    moment, fraction = tag
    return moment.replace(tzinfo=timezone.utc).timestamp() + fraction / 2**32


desk = Desk(PORT)
slot = desk.ask("/rack/list")[0]

# Mixer: levels in dB, with a second value the time that it takes.
desk.say(f"/{slot}/level", -60.0)
desk.say(f"/{slot}/pan", -0.2)
desk.say("/master/level", 0.0)

# Transport: from the beginning, in four.
desk.say("/transport/stop")
desk.say("/clock/tempo", 132.0)
desk.say("/clock/metre", "4/4")
desk.say("/sub", "/beat")
desk.say("/sub", "/meter/master", 10.0)

desk.say("/record/start", "desk.wav", "wav", 24)
print("records to", desk.wait("/done", "/record/start")[1])

desk.say(f"/{slot}/level", 0.0, "2 beats")             # fades in
desk.say("/transport/play")
while True:
    beat, bar, tempo, heard = desk.wait("/beat")
    place = desk.ask("/transport")
    print(f"bar {bar + 1}, beat {beat % 4 + 1}: {place[1]}, {place[4]:.2f} s")
    if beat >= 7:
        break
    # A chord on the beat after the next, to the sample, however late this program is called.
    chord = CHORDS[beat // 2 % 4]
    desk.say_at(since_1970(heard) + 2 * 60 / tempo, *[(f"/{slot}/note", key, 0.7, 0.4) for key in chord])
    if beat == 3:
        # Time stands for a moment, and nothing is lost.
        desk.say("/transport/pause")
        time.sleep(0.3)
        desk.say("/transport/toggle")

desk.say(f"/{slot}/level", -60.0, 0.5)                 # fades out
time.sleep(0.6)
desk.say("/transport/stop")
desk.say("/record/stop")
path, frames, lost = desk.wait("/record/done")
loudest = max((max(values[:2]) for address, values in desk.kept if address == "/meter/master"), default=0.0)
desk.say("/unsub")
desk.say(f"/{slot}/level", 0.0)
print(f"recorded {frames} frames, {lost} lost, in {path}; loudest {loudest:.3f}")

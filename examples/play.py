#!/usr/bin/env python3
"""Plays a running rackd in time: bundles tagged ahead sound on their sample, whatever the network does meanwhile.

First, in another terminal: rackd play patches/keys.toml
Then: pip install python-osc; python3 examples/play.py [PORT]
"""
import sys
import time
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import UDPClient

client = UDPClient("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 57130)


def at(when, address, *arguments):
    """One message that acts at a time of the wall clock [s]."""
    message = OscMessageBuilder(address)
    for argument in arguments:
        message.add_arg(argument)
    bundle = OscBundleBuilder(when)
    bundle.add_content(message.build())
    client.send(bundle.build())


start = time.time() + 0.2                      # enough for any network that can be played over
step = 60 / 110 / 4                            # sixteenths at 110
for number, key in enumerate([48, 60, 63, 67, 58, 70, 67, 63] * 2):
    at(start + number * step, "/keys/note", key, 0.9 if number % 4 == 0 else 0.6, step * 0.9)
    if number % 2:
        time.sleep(2 * step)

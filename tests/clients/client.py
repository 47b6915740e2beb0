"""What a user of python-osc writes: `client.py PORT note KEY` or `client.py PORT knob ADDRESS VALUE`."""

import sys
import time

from pythonosc import osc_bundle_builder, osc_message_builder
from pythonosc.osc_message import OscMessage
from pythonosc.udp_client import UDPClient


def message(address, *arguments):
    builder = osc_message_builder.OscMessageBuilder(address=address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build()


client = UDPClient("127.0.0.1", int(sys.argv[1]))
if sys.argv[2] == "note":
    # In a bundle a quarter of a second ahead, as a sequencer would.
    bundle = osc_bundle_builder.OscBundleBuilder(time.time() + 0.25)
    bundle.add_content(message("/tone/note", int(sys.argv[3]), 1.0, 1.0))
    client.send(bundle.build())
else:
    client.send(message(sys.argv[3], float(sys.argv[4])))
    client.send(message(sys.argv[3]))
    client._sock.setblocking(True)
    client._sock.settimeout(5)
    reply = OscMessage(client._sock.recv(65536))
    print(reply.address, *reply.params)

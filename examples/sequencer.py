#!/usr/bin/env python3
"""A sequencer: notes are added, moved and taken away while they play, and a cursor is drawn where the ear is, however slow the drawing.

First, in another terminal: rackd play patches/keys.toml
Then: pip install python-osc; python3 examples/sequencer.py

Three threads: one hears what rackd says and keeps the newest cursor, one edits, one draws. None of them times a note: rackd does.
"""
import argparse
import json
import queue
import random
import socket
import sys
import threading
import time
from datetime import timezone

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--port", type=int, default=57130)
options.add_argument("--beats", type=int, default=32, help="how long it is")
options.add_argument("--tempo", type=float, default=120.0)
options.add_argument("--hz", type=float, default=10.0, help="cursor messages a second")
options.add_argument("--flood", action="store_true", help="the drawing thread works without a rest, as a bad window would")
options.add_argument("--seed", type=int, default=1)
options.add_argument("--json", action="store_true", help="at the end, say what was done as one JSON object")
wanted = options.parse_args()

STEPS = 8                       # of a beat: where notes may lie
LENGTH = 0.03                   # of a note [beats]
AHEAD = 1.0                     # nearer than this nothing is edited [beats]
SCALE = [57, 60, 62, 64, 67, 69, 72, 74]


class Rackd:
    """What is said to rackd, and what it says."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(0.2)
        self.answers = queue.Queue()
        self.newest = None      # the beat that is heard at a moment of the wall clock
        self.cursors = []       # beat, when it is heard, by how much later it came
        self.over = False
        self.thread = threading.Thread(target=self.hear, daemon=True)
        self.thread.start()

    def say(self, address, *values):
        message = OscMessageBuilder(address)
        for value in values:
            message.add_arg(value)
        self.socket.send(message.build().dgram)

    def ask(self, address, *values):
        self.say(address, *values)
        while True:
            heard, values = self.answers.get(timeout=5)
            if heard == address:
                return values

    def hear(self):
        while not self.over:
            try:
                message = OscMessage(self.socket.recv(65536))
            except socket.timeout:
                continue
            if message.address == "/cursor":
                beat, _bar, _seconds, (moment, fraction) = message.params
                heard = moment.replace(tzinfo=timezone.utc).timestamp() + fraction / 2**32
                self.newest = beat, heard
                self.cursors.append((beat, heard, time.time() - heard))
            elif message.address == "/fail":
                print("rackd:", *message.params, file=sys.stderr)
            else:
                self.answers.put((message.address, message.params))

    def beat(self):
        """The beat that is heard at this moment."""
        if self.newest is None:
            return 0.0
        beat, heard = self.newest
        return beat + (time.time() - heard) * wanted.tempo / 60

    def close(self):
        self.over = True
        self.thread.join()


class Editor:
    """The notes, by their names: at which step each lies."""

    def __init__(self, rackd, slot):
        self.rackd, self.slot = rackd, slot
        self.notes, self.count, self.edits = {}, 0, 0
        self.chance = random.Random(wanted.seed)

    def add(self, step):
        name = f"n{self.count}"
        self.count += 1
        self.notes[name] = step
        self.rackd.say("/score/add", name, step / STEPS, self.slot, self.chance.choice(SCALE), 0.8, LENGTH)

    def edit(self):
        """Adds, moves or takes away a note that is not about to sound; false where there is nothing left to edit."""
        first = int((self.rackd.beat() + AHEAD) * STEPS) + 1
        free = [step for step in range(first, wanted.beats * STEPS) if step not in self.notes.values()]
        near = [name for name, step in self.notes.items() if step >= first]
        if first >= (wanted.beats - 1) * STEPS or not free:
            return False
        what = self.chance.choice(["add", "move", "move", "remove"])
        if what == "add" or not near:
            self.add(self.chance.choice(free))
        elif what == "move":
            name = self.chance.choice(near)
            self.notes[name] = self.chance.choice(free)
            self.rackd.say("/score/move", name, self.notes[name] / STEPS)
        else:
            name = self.chance.choice(near)
            del self.notes[name]
            self.rackd.say("/score/remove", name)
        self.edits += 1
        return True


class Window(threading.Thread):
    """A line of text with the notes and the cursor. It may be as slow as it likes: it draws what is newest."""

    def __init__(self, rackd, editor):
        super().__init__(daemon=True)
        self.rackd, self.editor, self.over, self.drawn = rackd, editor, False, 0

    def run(self):
        while not self.over:
            line = ["."] * 64
            for step in list(self.editor.notes.values()):
                line[step * 64 // (wanted.beats * STEPS)] = "o"
            # At this very moment, by the last that was told: not where it was when the message came.
            at = int(self.rackd.beat() * 64 / wanted.beats)
            if 0 <= at < 64:
                line[at] = "|"
            print("\r" + "".join(line), end="", file=sys.stderr, flush=True)
            self.drawn += 1
            if wanted.flood:
                busy = time.time() + 0.25
                while time.time() < busy:
                    sum(range(1000))
            else:
                time.sleep(0.03)


def main():
    rackd = Rackd(wanted.port)
    slot = rackd.ask("/rack/list")[0]
    editor = Editor(rackd, slot)
    rackd.say("/transport/stop")
    rackd.say("/score/clear")
    rackd.say("/clock/tempo", wanted.tempo)
    # For an hour: by UDP nobody says that he has gone.
    rackd.say("/sub", "/cursor", wanted.hz, 3600.0)
    before = dict(zip(*[iter(rackd.ask("/engine/status"))] * 2))
    for beat in range(wanted.beats):
        editor.add(beat * STEPS)
    rackd.say("/sync", 1)
    while rackd.answers.get(timeout=5)[0] != "/synced":
        pass
    window = Window(rackd, editor)
    window.start()
    try:
        rackd.cursors.clear()
        began = time.time()
        rackd.say("/transport/play")
        while editor.edit():
            time.sleep(0.04)
        # To the end, and a beat more.
        time.sleep(max(0.0, (wanted.beats + 1) * 60 / wanted.tempo - (time.time() - began)))
    finally:
        window.over = True
        window.join()
        rackd.say("/unsub")
        rackd.say("/transport/stop")
    after = dict(zip(*[iter(rackd.ask("/engine/status"))] * 2))
    rackd.close()
    print(file=sys.stderr)
    told = {
        "beats": sorted(step / STEPS for step in editor.notes.values()),
        "edits": editor.edits,
        "drawn": window.drawn,
        "cursors": [list(cursor) for cursor in rackd.cursors],
        "counts": {name: after.get(name, 0) - before.get(name, 0) for name in ["score-notes", "score-late", "score-dropped"]},
    }
    if wanted.json:
        print(json.dumps(told))
    else:
        latest = max(cursor[2] for cursor in rackd.cursors)
        print(f"{told['edits']} edits, {len(told['beats'])} notes, {told['counts']}, {len(rackd.cursors)} cursors, at most {latest * 1000:.0f} ms late")


main()

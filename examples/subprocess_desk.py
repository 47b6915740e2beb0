#!/usr/bin/env python3
"""rackd as a child process, as a program of any language would have it: lines in, one JSON object a line out, no network.

Run from the repository: RACKD=target/release/rackd python3 examples/subprocess_desk.py [PATCH and options of `rackd play`]…
"""
import json
import os
import shlex
import subprocess
import sys
import time

RACKD = os.environ.get("RACKD", "rackd")


class Child:
    """The engine: ends with its standard input."""

    def __init__(self, arguments):
        command = [RACKD, "play", *arguments, "--stdin", "--json", "--osc", "none", "--tcp", "none"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait(self, address):
        """The words of the next answer at an address; other events are shown as they come."""
        for line in self.process.stdout:
            said = json.loads(line)
            if said["event"] != "answer":
                print(said["event"], {key: value for key, value in said.items() if key not in ("event", "text")})
                continue
            words = shlex.split(said["text"])
            if words[0] == "/fail":
                sys.exit("rackd: " + said["text"])
            if words[0] == address:
                return words[1:]
        sys.exit("rackd has ended")

    def ask(self, line):
        self.say(line)
        return self.wait(line.split()[0])

    def flush(self):
        """Comes back when all that was said has been applied."""
        self.say("/sync 1")
        self.wait("/synced")

    def end(self):
        """The end of its input is the end of it: it fades out, completes its files, and gives its exit code."""
        self.process.stdin.close()
        rest = [json.loads(line) for line in self.process.stdout]
        code = self.process.wait()
        return code, rest


child = Child(sys.argv[1:] or ["patches/init.toml"])
slot = child.ask("/rack/list")[0]
child.say(f"/{slot}/level -6")
child.say("/record/start child.wav bits 16")
while child.wait("/done")[0] != "/record/start":
    pass
for key in (48, 60, 64, 67):
    child.say(f"/{slot}/note {key} 0.8 0.4")
    child.flush()
    time.sleep(0.1)
print("where it is:", *child.ask("/transport"))
time.sleep(0.5)
child.say("/record/stop")
path, frames, lost = child.wait("/record/done")
print(f"recorded {frames} frames, {lost} lost, in {path}")
code, rest = child.end()
for said in rest:
    print(said["event"], said.get("rms", ""))
sys.exit(code)

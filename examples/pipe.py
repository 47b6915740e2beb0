#!/usr/bin/env python3
"""rackd as a child process: one command a line in, one answer a line out; it ends with its input. No network at all.

Run from the repository: python3 examples/pipe.py [OPTIONS of rackd play]   (after cargo build --release; RACKD names another)
"""
import os
import subprocess
import sys
import time

rackd = subprocess.Popen(
    [os.environ.get("RACKD", "target/release/rackd"), "play", "patches/init.toml", "--stdin", *sys.argv[1:]],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
)


def tell(line):
    rackd.stdin.write(line + "\n")
    rackd.stdin.flush()


time.sleep(1)
for key in (48, 60, 64, 67):
    tell(f"/init/note {key} 0.8 1.5")
    time.sleep(0.2)
tell("/engine/status")
time.sleep(2)
rackd.stdin.close()                            # the end of its input is the end of it
print(rackd.stdout.read())

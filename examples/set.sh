#!/bin/sh
# A short set, told to a running rackd by a shell script: a score that goes round, a knob, a recording.
# First, in another terminal: rackd play patches/keys.toml
# Then: sh examples/set.sh            (RACKD names another rackd, TO where it listens)
set -eu
RACKD=${RACKD:-rackd}
TO=${TO:-127.0.0.1:57130}

say() { "$RACKD" send --to "$TO" "$@"; }

slot=$(say /rack/list | awk '$1 == "/rack/list" { print $2; exit }')
echo "plays on /$slot"

# All of it by one connection, a message a line.
"$RACKD" send --to "tcp://$TO" - <<LINES
/transport/stop
/score/clear
/clock/tempo 126
/transport/loop 0 4
/score/replace a 0 $slot A3 0.9 0.4
/score/replace b 0.75 $slot C4 0.6 0.2
/score/replace c 1.5 $slot E4 0.7 0.4
/score/replace d 2.5 $slot G4 0.6 0.2
/score/replace e 3 $slot E4 0.8 0.9
LINES

say /record/start set.wav bits 24
say /transport/play
sleep 2
say "/$slot/level" -12 1          # in a second
say /score/move e 3.25            # while it plays
sleep 2
say /transport
say /score/get
say /transport/stop
say /record/stop
while say /record/list | grep -q /set; do sleep 0.1; done          # until the file is complete

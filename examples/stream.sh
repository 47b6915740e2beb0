#!/bin/sh
# A tone is sent to a rackd of its own, through an echo, and what comes out is read again: no sound card needed.
set -eu
RACKD=${RACKD:-rackd}
here=$(dirname "$0")
work=$(mktemp -d)
trap 'kill "$daemon" 2>/dev/null || true; rm -rf "$work"' EXIT

"$RACKD" play "$here/stream.toml" --host silent --rate 48000 --osc none --tcp none --midi none --stream "unix:$work/streams" &
daemon=$!
while [ ! -S "$work/streams" ]; do sleep 0.1; done

# What others hear: 16 bits, stereo, 48 kHz.
"$RACKD" stream --to "unix:$work/streams" --read wet --format s16le > "$work/wet.s16" &
reader=$!
sleep 0.3

# Two seconds of a square wave of 441 Hz: signed 8 bits, one channel, 44.1 kHz.
awk 'BEGIN { for (n = 0; n < 88200; n++) printf "%s", (n % 100 < 50) ? "`" : " " }' |
    "$RACKD" stream - --to "unix:$work/streams" --raw s8 --rate 44100 --channels 1

kill "$daemon"
wait "$reader"
echo "read $(wc -c < "$work/wet.s16") bytes"
# The loudest sample shows that it was heard.
od -An -v -t d2 "$work/wet.s16" | awk '{ for (i = 1; i <= NF; i++) if ($i > most) most = $i } END { print "loudest sample " most; exit most < 1000 }'

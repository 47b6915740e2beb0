#!/bin/sh
# Plays a running rackd with liblo's oscsend (Debian: liblo-tools). First, in another terminal: rackd play patches/keys.toml
# Then: sh examples/play.sh            (TO names another place)
to="osc.udp://${TO:-127.0.0.1:57130}"
for note in 48 55 60 63 67 72; do
    oscsend "$to" /keys/note ifs "$note" 0.8 1/2      # pitch, velocity, how long: a length in beats, or seconds
    sleep 0.25
done
oscsend "$to" /master/level s "-3 dB"                 # any value can be written as a person writes it

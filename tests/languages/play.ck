// Plays a note or turns the knob: `--silent` does not wait for the clock, so that one run does one thing.
OscOut rackd;
rackd.dest("127.0.0.1", Std.atoi(me.arg(0)));
if (me.arg(1) == "note") {
    rackd.start("/tone/note").add(69).add(1.0).add(0.5).send();
} else {
    rackd.start("/tone/loud").add(0.4).send();
}
10::ms => now;

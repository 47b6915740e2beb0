"""A MIDI sender and a listener on JACK, by Python's JACK-Client; both exact to the frame.

`jackmidi.py send NAME` has the port NAME:out and takes lines:
    connect PORT            connects it
    play FRAME:HEX...       sends those messages, each so many frames after the next cycle's first; answers `played BASE`
    quit                    closes the port
`jackmidi.py hear NAME` has NAME:midi and NAME:sound and says `midi FRAME HEX` and `sound FRAME MOMENT` for each message and each place
where sound begins after silence, in JACK's frames and in microseconds of the clock that all servers of one computer go by.
`connect SOURCE PORT` connects one of them, `quit` ends it.
"""

import ctypes
import sys
import threading

import jack

mode, name = sys.argv[1:3]
client = jack.Client(name, no_start_server=True)
# What JACK-Client leaves out.
moment = ctypes.CDLL("libjack.so.0").jack_frames_to_time
moment.restype, moment.argtypes = ctypes.c_uint64, [ctypes.c_void_p, ctypes.c_uint32]
pointer = int(jack._ffi.cast("uintptr_t", client._ptr))


def say(*words):
    print(*words, flush=True)


def commands():
    for line in sys.stdin:
        yield line.split()


if mode == "send":
    out = client.midi_outports.register("out")
    playing = []
    base = 0
    played = threading.Event()

    @client.set_process_callback
    def process(frames):
        global base
        out.clear_buffer()
        if not playing:
            return
        now = client.last_frame_time
        if base == 0:
            base = now
        while playing and playing[0][0] + base < now + frames:
            at, message = playing.pop(0)
            out.write_midi_event(at + base - now, message)
        if not playing:
            played.set()

    with client:
        say("ready")
        for word, *rest in commands():
            if word == "connect":
                client.connect(out, rest[0])
                say("connected")
            elif word == "play":
                base = 0
                played.clear()
                playing.extend((int(at), bytes.fromhex(message)) for at, message in (item.split(":") for item in rest))
                played.wait()
                say("played", base)
            else:
                break
else:
    midi = client.midi_inports.register("midi")
    sound = client.inports.register("sound")
    heard = []
    loud = False

    @client.set_process_callback
    def process(frames):
        global loud
        now = client.last_frame_time
        for at, message in midi.incoming_midi_events():
            heard.append(f"midi {now + at} {bytes(message).hex()}")
        for at, x in enumerate(memoryview(sound.get_buffer()).cast("f")):
            if (abs(x) > 0.01) != loud:
                loud = not loud
                if loud:
                    heard.append(f"sound {now + at} {moment(pointer, now + at)}")

    with client:
        say("ready")
        for word, *rest in commands():
            if word == "connect":
                client.connect(rest[0], f"{name}:{rest[1]}")
                say("connected")
            else:
                break
    print("\n".join(heard))
    say("over")

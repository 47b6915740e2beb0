"""What the scripts that measure in real time share: a JACK server with a dummy device, an idle client, OSC, a running rackd."""
import ctypes
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# The voice of the workload W2, held; W6 is the same with short envelopes.
VOICE = """format = 1
[note]
voices = %(voices)d
steal = "never"
[voice.low]
type = "vco"
pitch = "note.pitch - 5.2015 ct"
[voice.high]
type = "vco"
pitch = "note.pitch + 5.1860 ct"
[voice.sweep]
type = "adsr"
attack = "%(a1)s ms"
decay = "%(d1)s ms"
sustain = %(s1)s
release = "%(r1)s ms"
[voice.loudness]
type = "adsr"
attack = "%(a2)s ms"
decay = "%(d2)s ms"
sustain = %(s2)s
release = "%(r2)s ms"
[voice.filter]
type = "ladder"
in = "low.saw * 0.5 + high.saw * 0.5"
cutoff = "300 Hz + sweep * %(sweep)s oct"
resonance = 0.5
[voice.place]
type = "pan"
in = "filter * loudness * %(level)s"
pan = "note.pan"
[out]
in = "place"
"""
W2 = {"a1": 50, "d1": 500, "s1": 0.4, "r1": 300, "a2": 20, "d2": 300, "s2": 0.7, "r2": 300, "sweep": 5.8, "level": 0.03}
W6 = {"a1": 10, "d1": 50, "s1": 0.7, "r1": 50, "a2": 10, "d2": 50, "s2": 0.7, "r2": 50, "sweep": 4.2857, "level": 0.03}


# --- OSC ------------------------------------------------------------------------------------------------------------------------
def pad(some):
    return some + b"\0" * (-len(some) % 4)


def message(address, *values):
    tags, body = ",", b""
    for value in values:
        if isinstance(value, bool) or isinstance(value, int):
            tags, body = tags + "i", body + struct.pack(">i", value)
        elif isinstance(value, float):
            tags, body = tags + "f", body + struct.pack(">f", value)
        elif isinstance(value, bytes):
            tags, body = tags + "b", body + struct.pack(">i", len(value)) + pad(value)
        else:
            tags, body = tags + "s", body + pad(value.encode() + b"\0")
    return pad(address.encode() + b"\0") + pad(tags.encode() + b"\0") + body


def bundle(at, messages):
    """Messages that act together at a time since 1970 [s]."""
    tag = int((at + 2208988800) * 2**32)
    return b"#bundle\0" + struct.pack(">Q", tag) + b"".join(struct.pack(">i", len(m)) + m for m in messages)


def arguments(packet):
    """Address and values of a message."""
    def text(at):
        end = packet.index(b"\0", at)
        return packet[at:end].decode(), (end // 4 + 1) * 4
    address, at = text(0)
    tags, at = text(at)
    values = []
    for tag in tags[1:]:
        if tag == "s":
            value, at = text(at)
        elif tag in "TF":
            value = tag == "T"
        else:
            form, size = {"i": (">i", 4), "f": (">f", 4), "h": (">q", 8), "d": (">d", 8)}[tag]
            value, at = struct.unpack_from(form, packet, at)[0], at + size
        values.append(value)
    return address, values


class Osc:
    """A socket to one UDP port of this computer."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))

    def send(self, packet):
        try:
            self.socket.send(packet)
        except ConnectionError:
            pass

    def ask(self, packet, address, patience=2.0):
        """Values of the answer with this address; None where none comes."""
        self.send(packet)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                got, values = arguments(self.socket.recv(65536))
            except (TimeoutError, ConnectionError):
                time.sleep(0.02)
                continue
            if got == address:
                return values
        return None


# --- JACK -----------------------------------------------------------------------------------------------------------------------
class Jack:
    """A JACK server with a dummy device. Its log says which client an xrun is blamed on."""

    def __init__(self, name, period, rate=48000):
        self.name, self.log = name, tempfile.NamedTemporaryFile("w+", prefix=f"{name}-", suffix=".log")
        self.env = dict(os.environ, JACK_DEFAULT_SERVER=name, JACK_NO_AUDIO_RESERVATION="1")
        command = ["jackd", "-n", name, "-R", "-P", "60", "-d", "dummy", "-r", str(rate), "-p", str(period)]
        self.process = subprocess.Popen(command, env=self.env, stdout=self.log, stderr=subprocess.STDOUT)
        quiet = {"env": self.env, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if subprocess.run(["jack_wait", "-w", "-t", "10"], **quiet).returncode or self.process.poll() is not None:
            self.stop()
            sys.exit(f"jackd does not start: {open(self.log.name).read()}")

    def blamed(self):
        """How many xruns the server's log blames on each client; on the server itself, which woke too late: `server`."""
        counts = {}
        for line in open(self.log.name, errors="replace"):
            found = re.search(r"XRun: client (?:= )?(\S+) (?:was not finished|finished after)", line)
            if found or "Process XRun" in line:
                who = found.group(1) if found else "server"
                counts[who] = counts.get(who, 0) + 1
        return counts

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            print(f"jackd {self.process.pid} does not end; it is left alone", file=sys.stderr)


class Idle:
    """A JACK client that does nothing but count the xruns that it is told of. No Python runs in its callback but for an xrun."""

    def __init__(self, server, name="idle"):
        self.lib = ctypes.CDLL("libjack.so.0")
        self.lib.jack_client_open.restype = ctypes.c_void_p
        self.count = 0
        status = ctypes.c_int()
        self.client = ctypes.c_void_p(self.lib.jack_client_open(name.encode(), 0x05, ctypes.byref(status), server.encode()))
        if not self.client:
            sys.exit(f"no client at JACK server {server}")
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)

        def told(_):
            self.count += 1
            return 0

        self.told = kind(told)
        self.lib.jack_set_xrun_callback(self.client, self.told, None)
        self.lib.jack_activate(self.client)

    def stop(self):
        self.lib.jack_client_close(self.client)


# --- rackd ----------------------------------------------------------------------------------------------------------------------
class Rackd:
    """A rackd that plays a file on a JACK server."""

    def __init__(self, file, jack, port, *options):
        binary = os.environ.get("RACKD") or os.path.join(ROOT, "target", "release", "rackd")
        self.log = tempfile.NamedTemporaryFile("w+", prefix="rackd-", suffix=".log")
        command = [binary, "play", file, "--host", "jack", "--midi", "none", "--osc", f"127.0.0.1:{port}", *options]
        self.process = subprocess.Popen(command, env=jack.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.osc = Osc(port)
        for _ in range(100):
            if self.process.poll() is not None:
                sys.exit(f"rackd ended: {open(self.log.name).read()}")
            if self.status(0.2):
                return
        self.stop()
        sys.exit("rackd does not answer")

    def status(self, patience=2.0):
        """Names and numbers; nothing where it does not answer."""
        values = self.osc.ask(message("/engine/status"), "/engine/status", patience) or []
        return dict(zip(values[::2], values[1::2]))

    def memory(self):
        """Resident memory [MB]."""
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def stop(self):
        stop(self.process)


def stop(process):
    """Ends a process with a word, and waits for it."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cpu(pid):
    """CPU time that a process has used [s]."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- SuperCollider's servers ----------------------------------------------------------------------------------------------------
class SynthDef:
    """A synth definition in version 2 of the servers' own format, without sclang."""

    CONTROL, AUDIO = 1, 2

    def __init__(self, name, **parameters):
        self.name, self.parameters, self.constants = name, parameters, []
        self.units = [("Control", 1, [], [1] * len(parameters), 0)]

    def parameter(self, name):
        return (0, list(self.parameters).index(name), 1)

    def unit(self, name, rate, *inputs, outputs=1, special=0):
        def source(it):
            if isinstance(it, tuple):
                return it[:2]
            if float(it) not in self.constants:
                self.constants.append(float(it))
            return (-1, self.constants.index(float(it)))

        self.units.append((name, rate, [source(it) for it in inputs], [rate] * outputs, special))
        at = len(self.units) - 1
        return (at, 0, rate) if outputs == 1 else [(at, out, rate) for out in range(outputs)]

    def operator(self, special, a, b):
        rate = max(it[2] if isinstance(it, tuple) else 0 for it in (a, b))
        return self.unit("BinaryOpUGen", rate, a, b, special=special)

    def times(self, a, b):
        return self.operator(2, a, b)

    def plus(self, a, b):
        return self.operator(0, a, b)

    def adsr(self, a, d, s, r, done=0):
        gate = self.parameter("gate")
        return self.unit("EnvGen", 1, gate, 1, 0, 1, done, 0, 3, 2, -99, 1, a, 5, -4, s, d, 5, -4, 0, r, 5, -4)

    def bytes(self):
        def text(it):
            return bytes([len(it)]) + it.encode()

        out = text(self.name) + struct.pack(">i", len(self.constants))
        out += b"".join(struct.pack(">f", it) for it in self.constants) + struct.pack(">i", len(self.parameters))
        out += b"".join(struct.pack(">f", it) for it in self.parameters.values()) + struct.pack(">i", len(self.parameters))
        for at, name in enumerate(self.parameters):
            out += text(name) + struct.pack(">i", at)
        out += struct.pack(">i", len(self.units))
        for name, rate, inputs, outputs, special in self.units:
            out += text(name) + struct.pack(">biih", rate, len(inputs), len(outputs), special)
            out += b"".join(struct.pack(">ii", *it) for it in inputs) + bytes(outputs)
        return struct.pack(">4sih", b"SCgf", 2, 1) + out + struct.pack(">h", 0)


def w2_synth(level):
    """The voice of W2 out of the servers' own unit generators."""
    it = SynthDef("w2", freq=220.0, pan=0.0, gate=1.0)
    audio = SynthDef.AUDIO
    saw = lambda ratio: it.unit("Saw", audio, it.times(it.parameter("freq"), ratio))
    both = it.plus(saw(0.997), saw(1.003))
    cutoff = it.plus(it.times(it.adsr(0.05, 0.5, 0.4, 0.3), 3000.0), 300.0)
    filtered = it.unit("MoogFF", audio, both, cutoff, 2.0, 0)
    voice = it.times(filtered, it.times(it.adsr(0.02, 0.3, 0.7, 0.3, done=2), level))
    left, right = it.unit("Pan2", audio, voice, it.parameter("pan"), 1, outputs=2)
    it.unit("Out", audio, 0, left, right, outputs=0)
    return it.bytes()


class Synths:
    """scsynth or supernova on a JACK server, with W2's voice; supernova's voices in a parallel group."""

    def __init__(self, program, jack, port, level, threads=1):
        self.log = tempfile.NamedTemporaryFile("w+", prefix=f"{program}-", suffix=".log")
        env = dict(jack.env, SC_JACK_DEFAULT_OUTPUTS="", SC_JACK_DEFAULT_INPUTS="")
        command = [program, "-u", str(port), "-B", "127.0.0.1", "-D", "0", "-R", "0", "-n", "65536", "-m", "262144"]
        command += ["-t", str(threads)] if program == "supernova" else ["-l", "4"]
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.osc, self.count, self.group = Osc(port), 0, 0
        for _ in range(100):
            if self.osc.ask(message("/status"), "/status.reply", 0.2):
                break
            if self.process.poll() is not None:
                raise RuntimeError(f"{program} ended: {open(self.log.name).read()[-500:]}")
        self.osc.ask(message("/d_recv", w2_synth(level)), "/done")
        if program == "supernova":
            self.osc.send(message("/p_new", 2, 0, 0))
            self.group = 2

    def add(self, frequency, pan):
        self.osc.send(message("/s_new", "w2", 1000 + self.count, 0, self.group, "freq", frequency, "pan", pan))
        self.count += 1

    def stop(self):
        stop(self.process)

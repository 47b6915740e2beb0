<CsoundSynthesizer>
<CsOptions>
-d -m0 -odac -+rtaudio=dummy
</CsOptions>
<CsInstruments>
sr = 48000
ksmps = 48
nchnls = 1
0dbfs = 1
instr 1 ; a note
  OSCsend 1, "127.0.0.1", $PORT, "/tone/note", "iff", 69, 1, 0.5
  turnoff
endin
instr 2 ; the knob
  OSCsend 1, "127.0.0.1", $PORT, "/tone/loud", "f", 0.4
  turnoff
endin
</CsInstruments>
<CsScore>
i1 0.1 0.1
i2 0.8 0.1
i1 1.1 0.1
e 1.5
</CsScore>
</CsoundSynthesizer>

# make play    install what is missing, build, play a demo
# make test    install what the tests need, run all of them
# make test-clients    install the music languages, let each play a running rackd
# make bench   seven workloads offline, beside every sound server and language that is installed; `make bench ARGS='--only w2 --reps 3'`
# make counts    instructions that each workload and module takes, beside those that are kept; fails where they differ by 3 %
# make counts-update    keeps them as they are now
# make bench-live   voices in real time on a JACK server until it runs dry, beside scsynth and supernova where they are installed
# make bench-song   a four-minute MIDI file in sixteen parts rendered offline, beside Csound and FluidSynth where they are installed
# make endurance    an hour in real time with notes, values and reloads (MINUTES=60)
# make bench-recording 64 channels to disk while 128 voices play: xruns and callback times, without and with
# make stream-drift    ten minutes of a stream whose sender's clock is fast, then slow (MINUTES=10)
# make check   layout, lints, a build with the fewest features
#
# A recipe that lacks something which it may not install prints the one line to type and ends with 3 (`Error 3`); make
# itself then ends with 2, as it does for every failed recipe. `scripts/prepare build` alone ends with 3.

CARGO ?= cargo
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: play test test-clients bench bench-live bench-song bench-recording endurance stream-drift counts counts-update check

play:
	@scripts/prepare build
	@$(CARGO) run --release --quiet -- play --demo

test:
	@scripts/prepare test
	$(CARGO) fmt --check
	$(CARGO) test --release

test-clients:
	@scripts/prepare clients
	$(CARGO) test --release --test languages

bench:
	@scripts/prepare build
	$(CARGO) bench --bench speed -- $(ARGS)

counts:
	@scripts/prepare counts
	$(CARGO) bench --bench counts -- $(ARGS)

counts-update:
	@scripts/prepare counts
	$(CARGO) bench --bench counts -- --update

bench-live:
	@scripts/prepare test
	@$(CARGO) build --release --quiet
	@scripts/bench-live

bench-song:
	@scripts/prepare build
	@$(CARGO) build --release --quiet
	@scripts/bench-song $(ARGS)

bench-recording:
	@scripts/prepare test
	@$(CARGO) build --release --quiet
	@scripts/bench-recording $(ARGS)

endurance:
	@scripts/prepare test
	@$(CARGO) build --release --quiet
	@scripts/endurance --minutes $(or $(MINUTES),60)

stream-drift:
	@scripts/prepare build
	@MINUTES=$(or $(MINUTES),10) scripts/stream-drift

check:
	@scripts/prepare build
	$(CARGO) fmt --check
	$(CARGO) clippy --release --all-targets -- -D warnings
	$(CARGO) clippy --release --no-default-features -- -D warnings

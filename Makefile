# make play    install what is missing, build, play a demo
# make test    install what the tests need, run all of them
# make test-clients    install the music languages, let each play a running rackd
# make bench   128 voices offline, beside scsynth where it is installed
# make check   layout, lints, a build with the fewest features
#
# A recipe that lacks something which it may not install prints the one line to type and ends with 3 (`Error 3`); make
# itself then ends with 2, as it does for every failed recipe. `scripts/prepare build` alone ends with 3.

CARGO ?= cargo
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: play test test-clients bench check

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
	$(CARGO) bench

check:
	@scripts/prepare build
	$(CARGO) fmt --check
	$(CARGO) clippy --release --all-targets -- -D warnings
	$(CARGO) clippy --release --no-default-features -- -D warnings

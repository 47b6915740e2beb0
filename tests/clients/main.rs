//! A running daemon, played by programs that others wrote, heard through a real sound server.
//!
//! `make test` installs what this needs: jackd with its dummy driver, jack_capture, liblo's oscsend, sox, python-osc, Python's JACK-Client. Where
//! one of them is missing, the tests that need it fail and say so. None is skipped but where the system does not let it: a disk of one's own,
//! another program's thread held.
#![cfg(all(target_os = "linux", feature = "jack"))]
#![allow(missing_docs, clippy::unwrap_used)]

mod daemon;
mod ear;
mod jack;
mod jack_store;
mod speaker;

mod device_dies;
mod examples;
mod flood;
mod hostile;
mod life;
mod lines;
mod log;
mod midi;
mod osc;
mod recording;
mod reload;
mod seeds;
mod sequencer;
mod stop;
mod stream_drift;
mod time_tags;
mod together;

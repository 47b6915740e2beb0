//! Streams that come, run dry, go and change their shape: the audio thread neither allocates nor frees.

use rackd::engine::Engine;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan::{Options, compile_among};
use rackd::rt::flows::Flows;

use super::calls;

#[test]
fn streams_that_come_and_go_allocate_nothing_on_the_audio_thread() {
    let flows = Flows::new();
    let text = "format = 1\n[global.a]\ntype = 'stream_in'\n[global.b]\ntype = 'stream_in'\ntake = 'all'\n\
                [global.c]\ntype = 'stream_out'\nin = 'a + b'\n[out]\nin = 'c'\n";
    let patch = rackd::patch::parse(text, &CATALOGUE).0.unwrap();
    let options = Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let (mut engine, _doors, mut door) = Engine::new(48_000.0);
    assert!(door.send(0, compile_among(&patch, &options, &flows, &|_| None, None).0).is_ok());
    let mut reader = flows.find_outflow("out").unwrap().reader();
    let inflow = flows.inflow("in").unwrap();
    let mut out = vec![0.0; 2 * 333];
    engine.run(&[], 0, &mut out, 2);
    let (mut counted, mut loud, mut read) = (0, false, Vec::new());
    for round in 0..40 {
        // Another number of channels each time; every third runs dry, every fourth has nobody who sends.
        let mut end = (round % 4 != 3).then(|| inflow.open(1 + round % 7, 128).unwrap());
        for block in 0..20 {
            if let Some(end) = end.as_mut().filter(|_| round % 3 > 0 || block < 5) {
                end.push(&vec![0.25; 333 * (1 + round % 7)]);
            }
            if block == 15 {
                end = None;
            }
            counted += calls(|| engine.run(&[], 0, &mut out, 2));
            loud |= out.iter().any(|x| *x > 0.1);
            reader.read(1_000, &mut read);
        }
    }
    assert_eq!(counted, 0);
    assert!(loud && flows.starved().0 > 0, "it was heard, and ran dry");
    assert!(read.iter().any(|x| *x > 0.1));
}

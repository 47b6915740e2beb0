//! The examples that write files are run as they stand.

use super::record::{folder, read};

#[allow(dead_code, reason = "its main is not called")]
#[path = "../../examples/render.rs"]
mod render;

#[allow(dead_code, reason = "its main is not called")]
#[path = "../../examples/own_module.rs"]
mod own_module;

#[test]
fn a_module_of_ones_own_is_heard() {
    let folder = folder("example-own-module");
    let file = folder.join("own_module.wav");
    let peak = own_module::render(&file).unwrap();
    assert!((0.05..1.0).contains(&peak), "peak {peak}");
    let samples = read(&file);
    assert_eq!(samples.len(), 2 * 4 * 48_000 / 512 * 512);
    // Six notes, a quarter of a second from one to the next; the last ends after 1.75 s, and rings.
    assert!(samples.chunks(2 * 4_800).take(20).all(|tenth| tenth.iter().any(|x| x.abs() > 1e-3)));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn render_writes_the_same_file_at_any_buffer() {
    let folder = folder("example-render");
    let mut first = None;
    for buffer in [512, 64, 7, 333, 9_600] {
        let file = folder.join(format!("{buffer}.wav"));
        let peak = render::render(&file, buffer).unwrap();
        assert!((0.05..1.0).contains(&peak), "peak {peak}");
        let samples = read(&file);
        assert_eq!(samples.len(), 2 * 5 * 48_000);
        match &first {
            None => first = Some(samples),
            Some(first) => assert!(*first == samples, "buffers of {buffer}"),
        }
    }
    let samples = first.unwrap();
    // 100 beats a minute: 28,800 frames a beat. Its last note ends at beat 4, and rings.
    let loud = |from: usize, to: usize| samples[2 * from..2 * to].iter().any(|x| x.abs() > 0.01);
    assert!(loud(0, 4_800) && loud(3 * 28_800, 4 * 28_800) && loud(4 * 28_800, 4 * 28_800 + 4_800));
    std::fs::remove_dir_all(folder).unwrap();
}

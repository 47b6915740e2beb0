//! Time: what becomes of bundles that come late, as each client wants it.

use rackd::control::When;

use super::desk::{Desk, SYNTH};

/// A note of 100 ms, 20 ms late: the frames in which it is heard, and the desk.
fn late_note(policy: &str) -> (usize, Desk) {
    let mut desk = Desk::new(SYNTH);
    desk.say(&format!("/hello late {policy}"));
    desk.run(48_000);
    let at = desk.engine.now() - 960;
    let answers = desk.bundle(When::At(at), &["/t/note 60 1 0.1"]);
    assert!(answers.len() == 1 && answers[0].starts_with("/late /t/note") && answers[0].ends_with(policy), "{answers:?}");
    let heard = desk.run(48_000).iter().filter(|x| x.abs() > 0.4).count();
    assert_eq!(desk.status("late/<30ms"), 1);
    assert_eq!(desk.status("messages"), desk.status("accepted") + desk.status("refused") + desk.status("late-dropped"));
    (heard, desk)
}

#[test]
fn a_late_note_runs_is_dropped_or_is_cut_short_as_its_client_wants() {
    let (whole, desk) = late_note("run");
    assert_eq!(desk.status("late-dropped"), 0);
    let (cut, _) = late_note("truncate");
    assert!(whole > 4_000 && whole.abs_diff(cut + 960) <= 1, "{whole} {cut}");
    let (none, desk) = late_note("drop");
    assert_eq!((none, desk.status("late-dropped")), (0, 1));
}

#[test]
fn what_ends_a_note_is_never_dropped() {
    let mut desk = Desk::new(SYNTH);
    desk.say("/hello late drop");
    desk.run(4_800);
    desk.quietly("/t/note/on 1 60 1");
    assert!(desk.run(4_800)[4_000].abs() > 0.4);
    let at = desk.engine.now() - 960;
    desk.bundle(When::At(at), &["/t/note/off 1", "/t/note/on 2 64 1"]);
    assert!(desk.run(9_600)[9_000].abs() < 0.01);
    assert_eq!(desk.status("late-dropped"), 1);
}

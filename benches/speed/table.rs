//! What came out, as one table.

use super::race::{Outcome, Row};
use super::workloads::Workload;

/// What is less cannot be told from nothing [ms].
const LEAST: f64 = 0.05;

fn median(list: &[f64]) -> f64 {
    let mut list = list.to_vec();
    list.sort_by(f64::total_cmp);
    let middle = list.len() / 2;
    if list.len() % 2 == 1 { list[middle] } else { 0.5 * (list[middle - 1] + list[middle]) }
}

/// How many times as fast as scsynth: repetition by repetition, since the two ran one after the other.
fn ratio(row: &Row, reference: &Row) -> f64 {
    let ratios: Vec<f64> = reference.costs.iter().zip(&row.costs).map(|(theirs, own)| theirs / own).collect();
    median(&ratios)
}

/// Players of one name share a line: each of rackd's pieces is one.
fn cell(outcome: &Outcome, name: &str, work: Workload) -> String {
    let Some(row) = outcome.rows.iter().find(|row| outcome.players[row.player].name == name && row.work == work) else {
        return String::new();
    };
    if row.failed.is_some() || row.costs.is_empty() {
        return "failed".to_string();
    }
    let cost = median(&row.costs);
    if cost < LEAST {
        return format!("<{LEAST}{}", if row.wrong.is_empty() { "" } else { " !" });
    }
    let digits = if cost < 1.0 { 2 } else { 1 };
    let beside = match outcome.reference(work) {
        Some(reference) if !std::ptr::eq(reference, row) => format!(" ({:.1}x)", ratio(row, reference)),
        _ => String::new(),
    };
    format!("{cost:.digits$}{beside}{}", if row.wrong.is_empty() { "" } else { " !" })
}

/// Prints it as Markdown, with what is to be known of it below.
pub fn print(works: &[Workload], outcome: &Outcome) {
    println!("CPU ms a second of sound, median of {} in turn; (how many times as fast as scsynth)\n", outcome.repetitions);
    let mut lines = vec![vec![String::new()]];
    lines[0].extend(works.iter().map(|work| work.name().to_uppercase()));
    let mut names: Vec<&str> = Vec::new();
    for player in &outcome.players {
        if !names.contains(&player.name.as_str()) {
            names.push(&player.name);
        }
    }
    for name in names {
        let cells: Vec<String> = works.iter().map(|work| cell(outcome, name, *work)).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            lines.push(std::iter::once(name.to_string()).chain(cells).collect());
        }
    }
    let columns = works.len() + 1;
    let widths: Vec<usize> = (0..columns).map(|at| lines.iter().map(|line| line[at].len()).max().unwrap_or(0).max(3)).collect();
    for (number, line) in lines.iter().enumerate() {
        let cells = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (text, &width))| if at == 0 { format!(" {text:<width$} |") } else { format!(" {text:>width$} |") });
        println!("|{}", cells.collect::<String>());
        if number == 0 {
            let rules =
                widths.iter().enumerate().map(|(at, &width)| format!("{}{}|", "-".repeat(width + 1), if at == 0 { "-" } else { ":" }));
            println!("|{}", rules.collect::<String>());
        }
    }
    println!();
    for work in works {
        println!("{}: {}", work.name().to_uppercase(), work.what());
    }
    notes(outcome);
}

/// How much sooner two threads are done than one.
fn threads(outcome: &Outcome) {
    for row in outcome.rows.iter().filter(|row| outcome.players[row.player].threads > 1 && !row.walls.is_empty()) {
        let name = &outcome.players[row.player].name;
        let alone = name.split_once(", two threads").map(|(alone, _)| alone);
        let one = outcome.rows.iter().find(|other| Some(outcome.players[other.player].name.as_str()) == alone && other.work == row.work);
        if let Some(one) = one.filter(|one| !one.walls.is_empty()) {
            let gains: Vec<f64> = one.walls.iter().zip(&row.walls).map(|(one, two)| one / two).collect();
            let (work, two, one) = (row.work.name().to_uppercase(), median(&row.walls), median(&one.walls));
            println!("  {work}, {name}: {two:.1} ms a second of sound go by, {one:.1} with one ({:.2}x)", median(&gains));
        }
    }
}

fn notes(outcome: &Outcome) {
    let named = |row: &Row| format!("{}, {}", row.work.name().to_uppercase(), outcome.players[row.player].name);
    let wrong: Vec<&Row> = outcome.rows.iter().filter(|row| !row.wrong.is_empty()).collect();
    if wrong.is_empty() {
        println!("\nSound: every render is scsynth's, its level within 4 dB, its octaves within 5 dB after levelling, without NaN.");
    } else {
        println!("\nSound that is not scsynth's (!):");
        wrong.iter().for_each(|row| println!("  {}: {}", named(row), row.wrong.join("; ")));
    }
    for row in &outcome.rows {
        if let Some(failed) = &row.failed {
            println!("  {} failed: {failed}", named(row));
            continue;
        }
        if row.slow {
            println!("  {} is slow: run once only", named(row));
        }
        if row.costs.is_empty() || median(&row.costs) < LEAST {
            continue;
        }
        let (low, high) = row.costs.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        if high - low > 0.25 * median(&row.costs) {
            println!("  {} varied: {low:.1} to {high:.1} ms", named(row));
        }
    }
    threads(outcome);
    for (program, package) in &outcome.missing {
        println!("Not installed: {program} (package {package})");
    }
}

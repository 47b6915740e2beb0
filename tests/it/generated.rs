//! Files that are written from declarations are as they would be written now.

use std::path::PathBuf;

use rackd::control::rack_file::{ReadPatch, ReadRack, Within};
use rackd::modules::CATALOGUE;
use rackd::patch::rack_read;
use rackd::surface::reference::markdown;

use crate::phrase;

fn committed(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn the_patch_in_the_readme_has_no_mistake() {
    let readme = committed("README.md");
    let patch = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let (parsed, mistakes) = rackd::patch::parse(patch, &CATALOGUE);
    assert!(parsed.is_some() && mistakes.is_empty(), "{mistakes:?}");
}

/// The examples of a page, in order.
fn examples(page: &str) -> Vec<String> {
    let page = committed(page);
    page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

/// Every example runs as it stands, in the folder of the shipped patches.
#[test]
fn the_examples_in_the_pages_have_no_mistake() {
    let file = phrase::folder().join("example.toml");
    for text in examples("docs/racks.md") {
        let read = ReadRack::of_text(text.clone(), file.clone(), Within::Anywhere, &CATALOGUE);
        let (read, remarks) = read.unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"));
        assert!(remarks.is_empty() && read.rack.slots.len() >= 3, "{remarks:#?}");
    }
    for text in examples("docs/includes.md") {
        let read = ReadPatch::of_text(text, file.clone(), Within::Anywhere, &CATALOGUE);
        let (read, remarks) = read.unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        assert!(remarks.diagnostics.is_empty() && !read.patch.includes.is_empty(), "{remarks:#?}");
    }
    // The table of keys names every key there is.
    let page = committed("docs/racks.md");
    for key in rack_read::SLOT
        .iter()
        .chain(&rack_read::TOP)
        .chain(&rack_read::MASTER)
        .map(|key| format!("`{key}"))
        .chain(rack_read::MIDI.iter().map(|key| format!("`midi.{key}`")))
    {
        assert!(page.contains(&key) || page.contains(&format!("`[{}", &key[1..])), "{key} is not on the page");
    }
}

#[test]
#[cfg(feature = "fundsp")]
fn the_reference_is_the_catalogue() {
    assert!(committed("docs/modules.md") == markdown(&CATALOGUE), "run `rackd modules --markdown > docs/modules.md`");
}

#[test]
fn every_verb_stands_in_the_page_on_osc() {
    let page = committed("docs/osc.md");
    let table = page.split("<!-- rackd surface --for osc -->\n\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    assert!(
        format!("{table}\n") == rackd::control::verbs::markdown() + &rackd::score::verbs::markdown(),
        "put there what `rackd surface --for osc` prints"
    );
}

//! Files that are written from declarations are as they would be written now.

use std::path::PathBuf;

use rackd::modules::CATALOGUE;
use rackd::surface::reference::markdown;

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

#[test]
#[cfg(feature = "fundsp")]
fn the_reference_is_the_catalogue() {
    assert!(committed("docs/modules.md") == markdown(&CATALOGUE), "run `rackd modules --markdown > docs/modules.md`");
}

#[test]
fn every_verb_stands_in_the_page_on_osc() {
    let page = committed("docs/osc.md");
    let table = page.split("<!-- rackd surface --for osc -->\n\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    assert!(format!("{table}\n") == rackd::control::verbs::markdown(), "put there what `rackd surface --for osc` prints");
}

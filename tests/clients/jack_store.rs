//! JACK's store of what ports are called, which all servers of one user share.

use std::path::Path;

/// Takes the store away where a server was killed while it made it: a file in it is empty then, and every server that starts hangs.
pub fn mend() {
    for entry in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        let is_store = entry.file_name().to_string_lossy().starts_with("jack_db-");
        if is_store && is_broken(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn is_broken(store: &Path) -> bool {
    let files = std::fs::read_dir(store).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.metadata().is_ok_and(|about| about.is_file() && about.len() == 0))
}

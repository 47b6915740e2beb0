//! Tells when one of the files that are played was saved.
//!
//! Folders are watched, not files: editors write a new file and rename it over the old one. What comes in quick succession
//! is told once, when it has been quiet for a moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// Quiet after which a save is over.
const QUIET: Duration = Duration::from_millis(100);
/// Longest wait for that quiet.
const LONGEST: Duration = Duration::from_secs(1);
/// How often to look where the system tells nothing.
const POLL: Duration = Duration::from_secs(1);

/// Watches while it lives.
pub struct Watch {
    _watcher: Box<dyn Watcher + Send>,
    touched: Arc<Notify>,
}

impl Watch {
    /// Watches files, and what they point to where they are links. `[control]`
    ///
    /// # Errors
    /// The system's, where not even looking now and then is possible.
    pub fn new(files: &[PathBuf]) -> notify::Result<Self> {
        let mut places: Vec<PathBuf> = Vec::new();
        for file in files {
            let named = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            for place in [Some(named), file.canonicalize().ok()].into_iter().flatten() {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        let touched = Arc::new(Notify::new());
        let watcher = Self::watcher(&places, &touched)?;
        Ok(Self { _watcher: watcher, touched })
    }

    fn watcher(places: &[PathBuf], touched: &Arc<Notify>) -> notify::Result<Box<dyn Watcher + Send>> {
        let mut folders: Vec<&Path> = places.iter().filter_map(|place| place.parent()).collect();
        folders.sort_unstable();
        folders.dedup();
        let told = |places: Vec<PathBuf>, touched: Arc<Notify>| {
            move |event: notify::Result<Event>| {
                // Where events were lost, or nothing is known of their place, it may have been this file.
                if event.is_ok_and(|event| {
                    !matches!(event.kind, EventKind::Access(_))
                        && (event.need_rescan() || event.paths.iter().any(|path| places.contains(path)))
                }) {
                    touched.notify_one();
                }
            }
        };
        let quick = RecommendedWatcher::new(told(places.to_vec(), Arc::clone(touched)), Config::default()).and_then(|mut watcher| {
            folders.iter().try_for_each(|folder| watcher.watch(folder, RecursiveMode::NonRecursive))?;
            Ok(watcher)
        });
        match quick {
            Ok(watcher) => Ok(Box::new(watcher)),
            Err(why) => {
                tracing::warn!("the system does not tell of changed files ({why}): looking every second");
                let mut watcher = PollWatcher::new(told(places.to_vec(), Arc::clone(touched)), Config::default().with_poll_interval(POLL))?;
                folders.iter().try_for_each(|folder| watcher.watch(folder, RecursiveMode::NonRecursive))?;
                Ok(Box::new(watcher))
            }
        }
    }

    /// Waits until one of the files was changed and it has been quiet since. Dropped half-way, it may forget the change: give it a task
    /// of its own. `[control]`
    pub async fn changed(&mut self) {
        self.touched.notified().await;
        let first = Instant::now();
        while first.elapsed() < LONGEST && timeout(QUIET, self.touched.notified()).await.is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn a_save_is_told_however_the_editor_saves() {
        let folder = std::env::temp_dir().join(format!("rackd-watch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("a.toml");
        std::fs::write(&file, "format = 1").unwrap();
        let link = folder.join("link.toml");
        let _ = std::fs::remove_file(&link);
        #[cfg(unix)]
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let long = Duration::from_secs(20);
        block_on(async {
            for watched in [file.clone(), link.clone()] {
                if !watched.exists() {
                    continue;
                }
                let mut watch = Watch::new(std::slice::from_ref(&watched)).unwrap();
                std::fs::write(&file, "format = 1 # in place").unwrap();
                timeout(long, watch.changed()).await.expect("written in place");
                std::fs::write(folder.join("new"), "format = 1 # renamed").unwrap();
                std::fs::rename(folder.join("new"), &file).unwrap();
                timeout(long, watch.changed()).await.expect("renamed over");
                std::fs::remove_file(&file).unwrap();
                timeout(long, watch.changed()).await.expect("removed");
                std::fs::write(&file, "format = 1").unwrap();
                timeout(long, watch.changed()).await.expect("there again");
                std::fs::write(folder.join("other.toml"), "x").unwrap();
                assert!(timeout(Duration::from_millis(300), watch.changed()).await.is_err(), "another file is nothing to it");
            }
        });
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

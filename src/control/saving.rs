//! Files are written whole or not at all, inside the folders given and nowhere else.
//!
//! The text goes into a new file beside the old one, and to the disk; then it takes the old one's name. Whatever fails or dies on the
//! way, the file under its name is the old one or the new one. The folder is opened once, part by part and through no link, and all
//! that follows is done in it: what is moved or linked elsewhere meanwhile leads nowhere.

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Why a file is not written. What stood there before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Not inside any of the folders given.
    #[error("{0} is in none of the folders given")]
    Outside(PathBuf),
    /// Another kind of file.
    #[error("{0} does not end in {1}")]
    Ending(PathBuf, &'static str),
    /// A link stands there.
    #[error("{0} is a link: it is not written through")]
    Link(PathBuf),
    /// Neither a plain file nor nothing.
    #[error("{0} is no plain file")]
    NotAFile(PathBuf),
    /// The system refuses.
    #[error("{0} cannot be written: {1}")]
    System(PathBuf, io::Error),
}

/// Where a file is to be written: a folder, given or below one that is, without links on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder given, links followed.
    root: PathBuf,
    /// From there to the folder of the file.
    below: PathBuf,
    name: String,
}

impl Place {
    /// The place of a `.toml` file inside one of some folders. A relative path is taken from the first folder that has what stands
    /// before its last part; from the one that has the file itself, if any has. `[control]`
    ///
    /// # Errors
    /// Where there is none.
    pub fn find(folders: &[PathBuf], path: &Path) -> Result<Self, SaveError> {
        Self::find_ending(folders, path, ".toml")
    }

    /// The same for a file with another ending. `[control]`
    ///
    /// # Errors
    /// Where there is none.
    pub fn find_ending(folders: &[PathBuf], path: &Path, ending: &'static str) -> Result<Self, SaveError> {
        let outside = || SaveError::Outside(path.to_owned());
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(outside)?.to_owned();
        if !name.to_ascii_lowercase().ends_with(ending) || name.starts_with('.') {
            return Err(SaveError::Ending(path.to_owned(), ending));
        }
        let mut found: Vec<Self> = Vec::new();
        for folder in folders {
            let Ok(root) = folder.canonicalize() else { continue };
            let Some(parent) = root.join(path).parent().and_then(|parent| parent.canonicalize().ok()) else { continue };
            if let Ok(below) = parent.strip_prefix(&root) {
                found.push(Self { below: below.to_owned(), root, name: name.clone() });
            }
        }
        let there = found.iter().position(|place| place.path().symlink_metadata().is_ok());
        if found.is_empty() { Err(outside()) } else { Ok(found.swap_remove(there.unwrap_or(0))) }
    }

    /// The whole path. `[control]`
    pub fn path(&self) -> PathBuf {
        self.root.join(&self.below).join(&self.name)
    }

    /// Writes the new text beside the old file, and to the disk. `[control]`
    ///
    /// # Errors
    /// Why not.
    pub fn stage(&self, text: &str) -> Result<Staged, SaveError> {
        let folder = system::Folder::open(&self.root, &self.below).map_err(|why| self.refused(why))?;
        let mode = match folder.kind(&self.name).map_err(|why| self.refused(why))? {
            system::Kind::Nothing => None,
            system::Kind::File(mode) => Some(mode),
            system::Kind::Link => return Err(SaveError::Link(self.path())),
            system::Kind::Other => return Err(SaveError::NotAFile(self.path())),
        };
        // One that died half-way may have left its file: names are not used again.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let temporary = format!(".{}.{}-{}.part", self.name, std::process::id(), COUNT.fetch_add(1, Relaxed));
        let staged = Staged { place: self.clone(), folder, temporary, done: false };
        staged.folder.write(&staged.temporary, text.as_bytes(), mode).map_err(|why| self.refused(why))?;
        Ok(staged)
    }

    /// A new, empty file; where one of this name is there, or a link, or anything else, `name-2` and so on is taken. `[control]`
    ///
    /// # Errors
    /// Why not.
    pub fn create_new(&self) -> Result<(PathBuf, File), SaveError> {
        let folder = system::Folder::open(&self.root, &self.below).map_err(|why| self.refused(why))?;
        for number in 1.. {
            let name = numbered(Path::new(&self.name), number);
            match folder.create(&name) {
                Ok(file) => return Ok((self.root.join(&self.below).join(name), file)),
                Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
                Err(why) => return Err(self.refused(why)),
            }
        }
        Err(self.refused(io::ErrorKind::AlreadyExists.into()))
    }

    fn refused(&self, why: io::Error) -> SaveError {
        SaveError::System(self.path(), why)
    }
}

/// A file that was not there: `name.wav`, `name-2.wav`, `name-3.wav` … `[control]`
///
/// # Errors
/// The system's: no such folder, no permission.
pub fn create_new(path: &Path) -> io::Result<(PathBuf, File)> {
    for number in 1.. {
        let taken = numbered(path, number);
        match std::fs::OpenOptions::new().write(true).create_new(true).open(&taken) {
            Ok(file) => return Ok((taken, file)),
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
            Err(why) => return Err(why),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The name that is tried at this attempt, from 1 on: `take.wav`, `take-2.wav`, `take-3.wav` … `[any]`
pub fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

/// A new text that stands on the disk beside the old one. Dropped, it is taken away again.
pub struct Staged {
    place: Place,
    folder: system::Folder,
    temporary: String,
    done: bool,
}

impl Staged {
    /// The new text takes the old one's name. `[control]`
    ///
    /// # Errors
    /// Why not.
    pub fn commit(mut self) -> Result<PathBuf, SaveError> {
        self.folder.rename(&self.temporary, &self.place.name).map_err(|why| self.place.refused(why))?;
        self.done = true;
        // The file has its name; only whether that outlives a failure of the power is still open.
        self.folder.sync().map_err(|why| self.place.refused(why))?;
        Ok(self.place.path())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.done {
            // Nothing more can be done where even that is refused.
            let _ = self.folder.remove(&self.temporary);
        }
    }
}

/// Writes a `.toml` file inside one of some folders, whole or not at all; gives its path, links followed. `[control]`
///
/// # Errors
/// Why not; what stood there before is as it was.
pub fn save_inside(folders: &[PathBuf], path: &Path, text: &str) -> Result<PathBuf, SaveError> {
    Place::find(folders, path)?.stage(text)?.commit()
}

/// A path as it leads from a folder to a file: both without links. `[control]`
pub fn path_from(folder: &Path, file: &Path) -> PathBuf {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) = (folder.components().collect(), file.components().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if same == 0 {
        return file.to_owned();
    }
    let up = from[same..].iter().map(|_| Component::ParentDir);
    up.chain(to[same..].iter().copied()).collect()
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::io::{self, Write as _};
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::{AtFlags, FileType, Mode, OFlags, fchmod, fsync, open, openat, renameat, statat, unlinkat};
    use rustix::io::Errno;

    /// What stands under a name.
    pub enum Kind {
        /// Nothing.
        Nothing,
        /// A plain file; who may do what with it.
        File(u32),
        /// A link.
        Link,
        /// Something else.
        Other,
    }

    /// An open folder.
    pub struct Folder(OwnedFd);

    const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

    impl Folder {
        /// A folder below a root, through no link.
        pub fn open(root: &Path, below: &Path) -> io::Result<Self> {
            let mut folder = open(root, FOLDER, Mode::empty())?;
            for part in below.components() {
                folder = openat(&folder, part.as_os_str(), FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
            }
            Ok(Self(folder))
        }

        pub fn kind(&self, name: &str) -> io::Result<Kind> {
            let found = match statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => return Ok(Kind::Nothing),
                found => found?,
            };
            #[allow(clippy::unnecessary_cast, reason = "its width is not the same everywhere")]
            let mode = found.st_mode as u32;
            Ok(match FileType::from_raw_mode(found.st_mode) {
                FileType::RegularFile => Kind::File(mode & 0o777),
                FileType::Symlink => Kind::Link,
                _ => Kind::Other,
            })
        }

        /// A file that was not there.
        pub fn create(&self, name: &Path) -> io::Result<File> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(File::from(openat(&self.0, name, flags, Mode::from_raw_mode(0o666))?))
        }

        /// Writes a new file, and to the disk.
        pub fn write(&self, name: &str, bytes: &[u8], mode: Option<u32>) -> io::Result<()> {
            let mut file = self.create(Path::new(name))?;
            if let Some(mode) = mode {
                #[allow(clippy::unnecessary_cast, reason = "its width is not the same everywhere")]
                fchmod(&file, Mode::from_raw_mode(mode as _))?;
            }
            file.write_all(bytes)?;
            file.sync_all()
        }

        pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
            Ok(renameat(&self.0, from, &self.0, to)?)
        }

        pub fn remove(&self, name: &str) -> io::Result<()> {
            Ok(unlinkat(&self.0, name, AtFlags::empty())?)
        }

        pub fn sync(&self) -> io::Result<()> {
            Ok(fsync(&self.0)?)
        }
    }
}

/// Where folders cannot be held open: by their paths.
#[cfg(not(unix))]
mod system {
    use std::fs::{self, File, OpenOptions};
    use std::io::{self, Write as _};
    use std::path::{Path, PathBuf};

    pub enum Kind {
        Nothing,
        File(u32),
        Link,
        Other,
    }

    pub struct Folder(PathBuf);

    impl Folder {
        pub fn open(root: &Path, below: &Path) -> io::Result<Self> {
            Ok(Self(root.join(below)))
        }

        pub fn kind(&self, name: &str) -> io::Result<Kind> {
            match fs::symlink_metadata(self.0.join(name)) {
                Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(Kind::Nothing),
                Err(why) => Err(why),
                Ok(found) if found.is_file() => Ok(Kind::File(0)),
                Ok(found) if found.is_symlink() => Ok(Kind::Link),
                Ok(_) => Ok(Kind::Other),
            }
        }

        pub fn create(&self, name: &Path) -> io::Result<File> {
            OpenOptions::new().write(true).create_new(true).open(self.0.join(name))
        }

        pub fn write(&self, name: &str, bytes: &[u8], _: Option<u32>) -> io::Result<()> {
            let mut file = self.create(Path::new(name))?;
            file.write_all(bytes)?;
            file.sync_all()
        }

        pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
            fs::rename(self.0.join(from), self.0.join(to))
        }

        pub fn remove(&self, name: &str) -> io::Result<()> {
            fs::remove_file(self.0.join(name))
        }

        pub fn sync(&self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of one test's own.
    struct Desk(PathBuf);

    impl Desk {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("rackd-saving-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(folder.join("in/below")).expect("a folder");
            Self(folder.canonicalize().expect("it is there"))
        }

        fn folders(&self) -> [PathBuf; 1] {
            [self.0.join("in")]
        }

        fn save(&self, path: &str, text: &str) -> Result<PathBuf, SaveError> {
            save_inside(&self.folders(), Path::new(path), text)
        }

        fn read(&self, path: &str) -> String {
            std::fs::read_to_string(self.0.join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
        }

        /// Every file of the whole tree.
        fn files(&self) -> Vec<String> {
            let mut found = Vec::new();
            let mut open = vec![self.0.clone()];
            while let Some(at) = open.pop() {
                for entry in std::fs::read_dir(&at).expect("a folder") {
                    let path = entry.expect("an entry").path();
                    if path.is_dir() && !path.is_symlink() {
                        open.push(path);
                    } else {
                        found.push(path.strip_prefix(&self.0).expect("below").display().to_string());
                    }
                }
            }
            found.sort();
            found
        }
    }

    impl Drop for Desk {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_written_where_it_is_allowed_and_leaves_nothing_beside_it() {
        let desk = Desk::new("plain");
        assert_eq!(desk.save("a.toml", "one").expect("saved"), desk.0.join("in/a.toml"));
        assert_eq!(desk.save("below/b.toml", "two").expect("saved"), desk.0.join("in/below/b.toml"));
        desk.save("below/../a.toml", "three").expect("it is inside");
        let whole = desk.0.join("in/below/b.toml");
        desk.save(&whole.display().to_string(), "four").expect("a whole path inside");
        assert_eq!((desk.read("in/a.toml"), desk.read("in/below/b.toml")), ("three".into(), "four".into()));
        assert_eq!(desk.files(), ["in/a.toml", "in/below/b.toml"]);
    }

    #[test]
    fn a_relative_path_means_the_file_that_is_there() {
        let desk = Desk::new("two");
        std::fs::write(desk.0.join("in/below/x.toml"), "old").expect("written");
        let folders = [desk.0.join("in"), desk.0.join("in/below"), desk.0.join("none")];
        save_inside(&folders, Path::new("x.toml"), "new").expect("saved");
        save_inside(&folders, Path::new("y.toml"), "new").expect("saved");
        assert_eq!(desk.files(), ["in/below/x.toml", "in/y.toml"]);
    }

    #[test]
    fn nothing_is_written_outside() {
        let desk = Desk::new("outside");
        let elsewhere = desk.0.join("b.toml").display().to_string();
        for path in ["../a.toml", "below/../../a.toml", elsewhere.as_str(), "none/a.toml", "", "..", "/"] {
            assert!(matches!(desk.save(path, "x"), Err(SaveError::Outside(_) | SaveError::Ending(..))), "{path}");
        }
        for path in ["a", "a.txt", "toml", ".toml", ".hidden.toml", "a.toml.sh"] {
            assert!(matches!(desk.save(path, "x"), Err(SaveError::Ending(..))), "{path}");
        }
        assert!(desk.files().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_written_through() {
        use std::os::unix::fs::symlink;
        let desk = Desk::new("links");
        std::fs::write(desk.0.join("secret.toml"), "mine").expect("written");
        symlink(desk.0.join("secret.toml"), desk.0.join("in/a.toml")).expect("a link");
        symlink(&desk.0, desk.0.join("in/out")).expect("a link");
        assert!(matches!(desk.save("a.toml", "x"), Err(SaveError::Link(_))));
        assert!(matches!(desk.save("out/b.toml", "x"), Err(SaveError::Outside(_))));
        // A folder that becomes a link between the look and the write.
        let place = Place::find(&desk.folders(), Path::new("below/c.toml")).expect("inside");
        std::fs::remove_dir(desk.0.join("in/below")).expect("removed");
        symlink(&desk.0, desk.0.join("in/below")).expect("a link");
        assert!(matches!(place.stage("x"), Err(SaveError::System(..))));
        std::fs::create_dir(desk.0.join("in/d.toml")).expect("a folder");
        assert!(matches!(desk.save("d.toml", "x"), Err(SaveError::NotAFile(_))));
        assert_eq!(desk.read("secret.toml"), "mine");
        assert_eq!(desk.files(), ["in/a.toml", "in/below", "in/out", "secret.toml"]);
    }

    #[test]
    fn who_dies_before_the_name_changes_has_changed_nothing() {
        let desk = Desk::new("dies");
        desk.save("a.toml", "old").expect("saved");
        let staged = Place::find(&desk.folders(), Path::new("a.toml")).and_then(|place| place.stage("new")).expect("staged");
        assert_eq!(desk.read("in/a.toml"), "old");
        // The process ends here: nothing is cleared away.
        std::mem::forget(staged);
        assert_eq!((desk.read("in/a.toml"), desk.files().len()), ("old".into(), 2));
        desk.save("a.toml", "newer").expect("what was left behind is in nobody's way");
        assert_eq!(desk.read("in/a.toml"), "newer");
        let staged = Place::find(&desk.folders(), Path::new("a.toml")).and_then(|place| place.stage("newest")).expect("staged");
        drop(staged);
        assert_eq!((desk.read("in/a.toml"), desk.files().len()), ("newer".into(), 2), "what failed is taken away again");
    }

    #[cfg(unix)]
    #[test]
    fn who_may_read_it_stays() {
        use std::os::unix::fs::PermissionsExt as _;
        let desk = Desk::new("mode");
        desk.save("a.toml", "old").expect("saved");
        let file = desk.0.join("in/a.toml");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("set");
        desk.save("a.toml", "new").expect("saved");
        assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_way_from_a_folder_to_a_file() {
        for (folder, file, way) in [
            ("/a/racks", "/a/racks/bass.toml", "bass.toml"),
            ("/a/racks", "/a/bass.toml", "../bass.toml"),
            ("/a/racks", "/b/c/bass.toml", "../../b/c/bass.toml"),
            ("/a/racks", "/a/racks/low/bass.toml", "low/bass.toml"),
        ] {
            assert_eq!(path_from(Path::new(folder), Path::new(file)), Path::new(way));
        }
    }
}

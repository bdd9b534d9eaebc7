//! The real disk.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::descriptors::with_room;
use super::open_file::OpenFile;
use super::platform;
use super::{Fs, Handle, LockHandle, Status, network};

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

/// How many symbolic links are followed before they are taken for a loop.
const LINKS: usize = 40;

impl Fs for Disk {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut path = std::path::absolute(path)?;
        for _ in 0..LINKS {
            let Ok(target) = std::fs::read_link(&path) else { return Ok(path) };
            path = path.parent().unwrap_or(Path::new("/")).join(target);
        }
        Err(io::Error::other("too many symbolic links"))
    }

    fn status(&self, path: &Path) -> io::Result<Status> {
        platform::status_at(path)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        platform::private_folder(builder.recursive(true));
        builder.create(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        with_room(|| platform::names_in(folder))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut options = OpenOptions::new();
        platform::for_reading(options.read(true));
        Ok(Box::new(OpenFile::new(open(&options, path)?)?))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut options = OpenOptions::new();
        platform::no_links(options.read(true).append(true));
        Ok(Box::new(OpenFile::new(open(&options, path)?)?))
    }

    fn create_new(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn Handle>> {
        let mut options = OpenOptions::new();
        Ok(Box::new(make(options.append(true), path, like)?))
    }

    fn open_emptied(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut options = OpenOptions::new();
        platform::no_links(options.read(true).append(true));
        let file = open(&options, path)?;
        file.set_len(0)?;
        Ok(Box::new(OpenFile::new(file)?))
    }

    fn open_lock(&self, path: &Path, like: Option<&Status>) -> io::Result<Box<dyn LockHandle>> {
        loop {
            let mut options = OpenOptions::new();
            platform::no_links(options.read(true).write(true));
            match open(&options, path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                opened => return Ok(Box::new(OpenFile::new(opened?)?)),
            }
            match make(OpenOptions::new().write(true), path, like) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => return Ok(Box::new(made?)),
            }
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        platform::patiently(|| std::fs::rename(from, to))
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let source = open(OpenOptions::new().read(true), from)?;
        let mut options = OpenOptions::new();
        platform::private(options.write(true).create_new(true));
        let copied = io::copy(&mut &source, &mut &open(&options, to)?);
        copied.map(drop).or_else(|_| {
            std::fs::remove_file(to)?;
            std::fs::hard_link(from, to)
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        platform::remove(path)
    }

    fn network(&self, folder: &Path) -> Option<&'static str> {
        network::kind_of(folder)
    }

    fn has_descriptors(&self) -> bool {
        true
    }

    fn user(&self) -> Option<u32> {
        platform::user()
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        with_room(|| platform::sync_folder(folder))
    }
}

fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    with_room(|| platform::patiently(|| options.open(path)))
}

/// Creates a new file, for reading and what `options` say.
fn make(options: &mut OpenOptions, path: &Path, like: Option<&Status>) -> io::Result<OpenFile> {
    platform::private(options.read(true).create_new(true));
    let file = open(options, path)?;
    if let Some(like) = like {
        platform::imitate(&file, like)?;
    }
    OpenFile::new(file)
}

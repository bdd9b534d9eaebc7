//! The page of a lock file as one process uses it: made, mapped, stamped, and let go.

use std::io;
use std::path::Path;

use super::key_stripes::Affected;
use super::opening::{Origin, is_same_file, open};
use super::page::{CHANGES_AT, CHANGES_END, Page, SIZE, blank, is_page, new_stamp};
use crate::store::fs::{Fs, Glance, LockHandle, Map, Status};
use crate::sync::{Arc, Mutex, rank};

/// The reason why a process does without the page.
#[derive(Debug)]
pub enum NoPage {
    /// Such files or file systems cannot have one.
    Unsupported,
    /// The file holds something else, or was cut short.
    NotOurs(&'static str),
    /// It could not be written.
    Unwritable(io::Error),
}

/// The page of an open lock file.
#[derive(Debug, Default)]
pub struct SharedPage {
    /// Whether a page may be written to the file.
    stamps: bool,
    /// Mapped until the file is cut.
    mapped: Mutex<Option<Arc<Page>>, { rank::LEAF }>,
}

impl SharedPage {
    /// Makes the page of the file behind `handle`, which is at `path` and trusted, unless it is
    /// there, and maps it. Nothing is written to a file that another program made. The second
    /// result says why it is not mapped.
    pub fn open(
        handle: &dyn LockHandle,
        origin: Origin,
        fs: &dyn Fs,
        path: &Path,
        map: Option<Map>,
    ) -> (Self, Option<NoPage>) {
        let stamps = match prepare(handle, origin) {
            Err(why @ (NoPage::Unsupported | NoPage::NotOurs(_))) => {
                return (Self::default(), Some(why));
            }
            prepared => prepared,
        };
        let mapped = stamps.and_then(|()| show(handle, fs, path, map));
        let (page, why) = match mapped {
            Ok(page) => (Some(Arc::new(page)), None),
            Err(why) => (None, Some(why)),
        };
        let stamps = !matches!(why, Some(NoPage::NotOurs(_)));
        (Self { stamps, mapped: Mutex::new(page) }, why)
    }

    /// Returns the page, if it is mapped and the file, of which this is a `glance`, holds all of
    /// it.
    pub fn page(&self, glance: Glance) -> Result<Option<Arc<Page>>, NoPage> {
        let mut mapped = self.mapped.lock();
        if mapped.is_none() || is_whole(glance.size) {
            return Ok(mapped.clone());
        }
        drop(mapped.take());
        Err(NoPage::NotOurs(CUT))
    }

    /// Returns whether it is mapped, and the file, of which this is a `glance`, lacks a part of it.
    pub fn is_cut(&self, glance: Glance) -> bool {
        !is_whole(glance.size) && self.mapped.lock().is_some()
    }

    /// Lets go of the page: the file is lost.
    pub fn close(&self) {
        if let Some(page) = self.mapped.lock().take() {
            page.let_go();
        }
    }

    /// Returns the page, which stays mapped until a look finds the file cut.
    pub fn mapped_page(&self) -> Option<Arc<Page>> {
        self.mapped.lock().clone()
    }

    /// Announces to other processes that results of `affected` were replaced or forgotten; the
    /// journal must show that already. A process that does not map the page announces, too, and so
    /// does one whose lock file was empty when it was opened, if somebody has made a page of it since
    /// (`becomes_page`). Where no memory is shared, nobody looks, and Windows lets nobody write to a
    /// locked file.
    pub fn announce(
        &self,
        handle: &dyn LockHandle,
        affected: Affected<'_>,
        becomes_page: bool,
    ) -> io::Result<()> {
        let stamps = self.stamps || becomes_page && handle.shares_memory();
        match handle.glance()?.size {
            _ if !stamps => Ok(()),
            size if is_whole(size) => stamp(handle, affected),
            // Hits look at this field alone: who has not noticed the cut yet must come to.
            size if size >= CHANGES_END => handle.write_at(CHANGES_AT, &new_stamp()),
            _ => Ok(()),
        }
    }
}

/// Announces that results of `affected` were replaced or forgotten to the processes that use the
/// file at `path`, if it `is_ours`, without being one of them.
pub fn announce_from_outside(
    fs: &dyn Fs,
    path: &Path,
    like: Option<&Status>,
    is_ours: impl FnOnce(&Status) -> bool,
    affected: Affected<'_>,
) -> io::Result<()> {
    let (handle, is_new) = open(fs, path, like)?;
    if is_new || !handle.shares_memory() || !is_ours(&handle.status()?) {
        return Ok(());
    }
    let mut bytes = vec![0; SIZE];
    let read = fs.open_read(path)?.read_piece(0, &mut bytes)?;
    if read == SIZE && is_page(&bytes) { stamp(&*handle, affected) } else { Ok(()) }
}

/// Puts new stamps onto the page of a file.
fn stamp(handle: &dyn LockHandle, affected: Affected<'_>) -> io::Result<()> {
    affected.offsets().into_iter().try_for_each(|at| handle.write_at(at, &new_stamp()))
}

const CUT: &str = "somebody cut it short";

fn is_whole(size: u64) -> bool {
    size >= SIZE as u64
}

/// Makes sure that the file has a page.
fn prepare(handle: &dyn LockHandle, origin: Origin) -> Result<(), NoPage> {
    if !handle.shares_memory() {
        return Err(NoPage::Unsupported);
    }
    let status = handle.status().map_err(NoPage::Unwritable)?;
    match status.fingerprint.size {
        // NOTE: a second name may mean that the file is empty for another purpose.
        _ if status.links > 1 => Err(NoPage::NotOurs("it has a second name")),
        size if is_whole(size) && origin != Origin::Torn => Ok(()),
        0 if origin == Origin::Unknown => Err(NoPage::Unsupported),
        _ if origin == Origin::Unknown => Err(NoPage::NotOurs("it holds no whole page")),
        // Two processes that come at the same time both write it: the later stamps are new to
        // everybody.
        _ => handle.write_at(0, &blank()).map_err(NoPage::Unwritable),
    }
}

/// Maps the page. IMPORTANT: through an open file of its own: a map keeps its file open, and the
/// locks held, in a forked child, too, where nothing would end them.
fn show(
    handle: &dyn LockHandle,
    fs: &dyn Fs,
    path: &Path,
    map: Option<Map>,
) -> Result<Page, NoPage> {
    let map = map.ok_or(NoPage::Unsupported)?;
    let view = fs.open_lock(path, None).map_err(NoPage::Unwritable)?;
    if !is_same_file(&*view, handle) {
        return Err(NoPage::Unsupported);
    }
    let memory = view.show(map, SIZE).map_err(|_| NoPage::Unsupported)?;
    Page::new(memory).ok_or(NoPage::NotOurs("it holds something else"))
}

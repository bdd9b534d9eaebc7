//! The page of a lock file as one process uses it: made, mapped, stamped, and let go.

use std::io;
use std::path::Path;

use super::page::{Affected, Page, SIZE, blank, new_stamp};
use super::{Origin, is_same_file};
use crate::store::fs::{Fs, Glance, LockHandle, Map};
use crate::sync::{Arc, Mutex, rank};

/// Why a process does without the page.
#[derive(Debug)]
pub enum NoPage {
    /// Such a file, or such a file system, has none, and nobody can do anything about it.
    Unsupported,
    /// Something else stands in the file, or it was cut short.
    NotOurs(&'static str),
    /// It could not be written.
    Unwritable(io::Error),
}

/// The page of an open lock file.
#[derive(Debug, Default)]
pub struct SharedPage {
    /// Whether the file is one that a page may be written to.
    stamps: bool,
    /// Mapped until somebody cuts the file.
    mapped: Mutex<Option<Arc<Page>>, { rank::LEAF }>,
}

impl SharedPage {
    /// Makes the page of the file behind `handle`, which is at `path` and believed, unless it is
    /// there; maps it. Nothing is written to a file that another program made. What it returns beside
    /// says why it is not mapped.
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

    /// The page, if it is mapped and the file, of which this is a `glance`, has all of it.
    pub fn page(&self, glance: Glance) -> Result<Option<Arc<Page>>, NoPage> {
        let mut mapped = self.mapped.lock();
        if mapped.is_none() || is_whole(glance.size) {
            return Ok(mapped.clone());
        }
        drop(mapped.take());
        Err(NoPage::NotOurs(CUT))
    }

    /// The page, mapped until a look finds the file cut.
    pub fn mapped_page(&self) -> Option<Arc<Page>> {
        self.mapped.lock().clone()
    }

    /// Tells the other processes that results of `affected` have been replaced or forgotten; they
    /// must find that in the journal already. A process that does not see the page tells the others.
    pub fn announce(&self, handle: &dyn LockHandle, affected: Affected<'_>) -> io::Result<()> {
        if !self.stamps || !is_whole(handle.glance()?.size) {
            return Ok(());
        }
        affected.offsets().into_iter().try_for_each(|at| handle.write_at(at, &new_stamp()))
    }
}

const CUT: &str = "somebody cut it short";

fn is_whole(size: u64) -> bool {
    size >= SIZE as u64
}

/// Sees to it that the file has a page.
fn prepare(handle: &dyn LockHandle, origin: Origin) -> Result<(), NoPage> {
    if !handle.shares_memory() {
        return Err(NoPage::Unsupported);
    }
    let status = handle.status().map_err(NoPage::Unwritable)?;
    match status.fingerprint.size {
        // NOTE: another name may be that of a file which is empty for another purpose.
        _ if status.links > 1 => Err(NoPage::NotOurs("it has a second name")),
        size if is_whole(size) && origin != Origin::Torn => Ok(()),
        0 if origin == Origin::Unknown => Err(NoPage::Unsupported),
        _ if origin == Origin::Unknown => Err(NoPage::NotOurs("it holds no whole page")),
        // Two who come at the same time both write it: the later stamps are new to everybody.
        _ => handle.write_at(0, &blank()).map_err(NoPage::Unwritable),
    }
}

/// Maps the page. IMPORTANT: through an open file of its own: a map keeps that open, and its locks
/// held, in a forked child too, where nothing would end them.
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

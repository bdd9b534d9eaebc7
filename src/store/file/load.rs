//! Reading everything: the snapshot, and the chain of journals behind it.

use super::chain::{Chain, History};
use super::phase::Phase;
use super::progress::Progress;
use super::reading::{FileReader, Reading};
use super::sighting::Sighting;
use super::snapshot_file::Found;
use super::view::FileView;
use crate::store::fs::FileFingerprint;
use crate::store::{Change, Items, Loaded};

impl FileView {
    /// Reads everything and begins there. Changes that no disk has taken are included.
    pub fn load(&mut self) -> Loaded {
        self.contents.news.clear();
        let loaded = self.try_load().map(|(loaded, _)| loaded);
        // Nothing is being computed yet on the ground of earlier news.
        self.contents.news.clear();
        loaded.unwrap_or_else(|| Loaded {
            items: Items::default().after(self.contents.backlog.changes().cloned().collect()),
            ..Loaded::default()
        })
    }

    /// Reads everything again and presents it as changes of others. What cannot be read changes
    /// nothing.
    pub(super) fn reload(&mut self) {
        if let Some((loaded, deletions)) = self.try_load() {
            self.contents.news.add_all(loaded, deletions);
        }
    }

    /// Reads everything; also returns the changes that the journals hold.
    fn try_load(&mut self) -> Option<(Loaded, Vec<Change>)> {
        let was_there = self.contents.progress.snapshot.is_some();
        let has_followed = self.phase == Phase::Following;
        let mut reader =
            FileReader::new(self.head.generations(), &mut self.quarantine, self.only_reads);
        let Reading { phase, format, is_later, files } = reader.read(was_there);
        (self.phase, self.format, self.is_later) = (phase, format, is_later);
        let (chain, found) = files?;
        self.is_later |= chain.is_later();
        let announced = Self::announced(&chain, &found);
        let is_known = chain.accounts_for(announced);
        let is_common = chain.accounts_for(found.fingerprint);
        let last = chain.last();
        let missed = !self.head.expected().is_some_and(|expected| chain.holds(expected));
        // NOTE: of this chain: another one may have been read a moment ago. A process that has left,
        // as it ends, keeps what its last threads compute all the same.
        if missed && has_followed && self.head.unheard().is_some() {
            self.contents.miss(&chain, self.head.unheard());
        }
        let begun = chain.first();
        let chain = chain.heard_up_to(self.head.unheard());
        let mut history = chain.without_folded(announced).history();
        let Progress { snapshot: known, merged, .. } = std::mem::take(&mut self.contents.progress);
        self.contents.take_purges(&mut history, begun);
        self.contents.progress.rewrite = found.rewrite || announced != found.fingerprint;
        let changes = if history.is_void(found.fingerprint, known) {
            self.give_up_chain(last);
            Vec::new()
        } else {
            self.adopt(history, found.fingerprint, is_common)
        };
        self.seen = Sighting::default();
        if self.is_later {
            self.folder.tell_later();
        }
        let deletes = |change: &&Change| !matches!(change, Change::Put(_));
        let deletions = changes.iter().filter(deletes).cloned().collect();
        let told = changes.iter().filter_map(|change| change.key().cloned()).collect();
        let modified = found.fingerprint.map(FileFingerprint::time);
        let items = self.contents.join(found.items, changes);
        // A process that merged an editor's file did not know what only this process did.
        let foreign = !is_known || merged.is_some() && merged == announced;
        Some((Loaded { items, modified, foreign, told, missed }, deletions))
    }

    /// Returns the fingerprint of the snapshot that was found, as a checkpoint announced it.
    fn announced(chain: &Chain, found: &Found) -> Option<FileFingerprint> {
        let placed = found.fingerprint?;
        let whole = found.whole.filter(|&whole| !chain.knows(placed) && chain.knows(whole));
        Some(whole.unwrap_or(placed))
    }

    /// Takes over a history, up to the generation that is current; returns all changes. `is_common`
    /// says whether every process that follows it knows the `snapshot`.
    pub(super) fn adopt(
        &mut self,
        history: History,
        snapshot: Option<FileFingerprint>,
        is_common: bool,
    ) -> Vec<Change> {
        self.is_void = false;
        self.contents.begin(&history, snapshot, is_common);
        self.head.adopt(history.finished, history.current.map(|current| current.journal));
        history.dropped.into_iter().for_each(|dropped| self.folder.tell_dropped(&dropped));
        history.changes
    }

    /// Gives up the journals of a cache that the user deleted. What this process appended since it
    /// last saw the files in their place may have come after that, and is kept.
    fn give_up_chain(&mut self, last: Option<u64>) {
        self.contents.backlog.reclaim_void();
        self.is_void = last.is_some();
        self.head.give_up(last);
    }
}

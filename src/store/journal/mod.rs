//! The journal: every change since the snapshot, one framed record each.
//!
//! ```text
//!  0       4      5       6   8         16        20         24        24+k        24+k+t
//!  +-------+------+-------+---+---------+---------+----------+---------+-----------+-------+
//!  | magic | kind | flags | * | created | key len | text len | key (k) | text (t)  | crc32 |
//!  +-------+------+-------+---+---------+---------+----------+---------+-----------+-------+
//! ```
//! * All numbers are little-endian. `magic` is `FF 6F 6C 01`; its last byte is the version of the
//!   format. `FF` occurs in no key (WTF-8) and in no text (JSON) behind its first 64 bytes, so a magic
//!   inside of a damaged record is the start of the next one, never a piece of somebody's result.
//! * `kind`: 1 put, 2 remove, 3 clear, 4 seal, 5 folded, 7 base, 8 put with notes (see [`noted`]),
//!   9 passing, 10 put of a computed result, 11 purge. 6 was `hello` in version 0.1 and means nothing
//!   any more. 64 purged. Unknown kinds from 64 on are skipped; others are a later version's, and the journal is
//!   left alone.
//! * `flags` of a put: 1 `created` counts, 2 it must survive in the snapshot, 4 the text is strict
//!   compact JSON, 8 it is ASCII only.
//! * Flag 16 of a put or a remove: it purges nothing (below). Flag 64 of a put, a remove or a clear:
//!   no disk took it when it was made, at `created`.
//! * `created`: seconds since the epoch, an IEEE double.
//! * `*` means nothing; its first byte is such that `FF` is not in the checksum.
//! * `crc32` is over everything before it. As `FF` is not in it, a record that is torn there is not
//!   made whole by the magic behind it.
//!
//! A journal is a chain of files, one for each *generation*. Any number of processes append
//! records, each with one `write` on an `O_APPEND` descriptor and without a lock: the kernel puts
//! them one after the other. A **seal** ends a generation: records after it do not count, and a
//! process that finds one before its own record appends that record again in the next generation.
//! The number of the first generation of a chain is the time in microseconds, so that no two chains
//! look alike. **folded** carries the fingerprint of a snapshot (device, inode, size, mtime): if
//! that snapshot is in place, it holds everything in earlier generations.
//!
//! Its flag 1 says that the snapshot holds more than its predecessor and the journals, so that
//! every process has to read it. **base** carries the fingerprint of the snapshot in place at that
//! moment, or nothing if there is none: then the history begins with this record. If a base was
//! written and there is no snapshot any more, the user deleted the cache, and the journals go with
//! it: they are sealed with flag 1 of the seal, and nothing in them counts.
//!
//! **passing** begins a generation whose author could not write to the one before, which has no
//! seal.
//!
//! A **purge** outdates computations under way: a result computed from a state before it must not
//! be kept after it. Puts, removes and clears are purges of their keys unless flag 16 says
//! otherwise; the record named purge concerns the key that it carries or, with flag 1, all keys
//! that match it as a pattern. A **computed** result begins, before its notes, with a byte of this
//! generation, eight bytes long: up to there its author had looked for purges. If a purge of its
//! key begins between there and the record, the record does not count. So all readers agree,
//! without a lock. Who folds a generation says in the next one, by **purged**, what it purged: the
//! number of the generation and the byte at which its last purge begins, eight bytes long each, and
//! one bit for each of 256 stripes of keys, which are the last eight bits of their checksums (the
//! lowest bit of a byte is the first). So a process that has missed a generation knows what it has
//! missed.
//!
//! Reading drops damaged bytes and goes on at the next magic with a right checksum. Bytes at the
//! very end that are no whole record yet may belong to one that is being written: they are looked
//! at again when the file has grown.

mod decode;
mod noted;
mod purges;
mod reader;
mod record;
mod writer;

pub use decode::decode;
pub use reader::Tail;
pub use record::{Folded, Purged, Record, Terms, encode, encode_change};
pub use writer::{Dropped, Journal, Look};

//! What must hold for any bytes, whatever their origin: for the fuzz targets and a short test.

use std::borrow::Cow;
use std::path::Path;

use bytes::Bytes;
use outlive::store::snapshot::read::{Reader, read};
use outlive::store::snapshot::write::write;
use outlive::store::{Durability, FileStore, Format, Item, Options, Store};
use outlive::value::check::check;
use outlive::value::escape::{escape_classes, may_name_class};
use outlive::value::normalise::normalise;
use outlive::value::write::Charset;
use serde_json::Value;

/// Checks a snapshot: what is read is intact, is the same when the file is read in pieces, is
/// written as JSON that others read, and reads back the same.
pub fn snapshot(bytes: &[u8]) {
    let file = Bytes::copy_from_slice(bytes);
    let found = read(&file);
    let is_damaged = found.damage.is_some();
    let format = found.format.unwrap_or(Format::Annotated);
    let mut reader = Reader::default();
    for end in [bytes.len() / 3, bytes.len() / 2] {
        reader.advance(&bytes[..end]);
    }
    let items = found.items.into_vec();
    assert_eq!(reader.finish(&file).items.into_vec(), items);
    if is_damaged && format == Format::Flat {
        assert!(items.iter().all(|item| check(&item.text).is_ok()));
    }
    let mut out = Vec::new();
    let written =
        write(&mut out, &items[..].into(), Charset::Utf8, format).expect("memory takes all");
    let refused = written.refused.len();
    let again = read(&out.clone().into());
    assert_eq!((again.damage, again.later), (None, None));
    if written.entries > 0 {
        assert_eq!(again.format, Some(format));
    }
    compare(&again.items.into_vec(), &items, refused);
    assert_json(&out);
}

/// Fails unless `items` came back in order, without those that were refused because they are not
/// JSON. Times and notes are not compared.
fn compare(again: &[Item], items: &[Item], refused: usize) {
    let normal = |item: &Item| normalise(&item.text, Charset::Utf8).ok().map(Cow::into_owned);
    let kept: Vec<_> = items.iter().filter_map(|it| Some((&it.key, normal(it)?))).collect();
    assert_eq!(kept.len() + refused, items.len());
    let again: Vec<_> = again.iter().map(|it| (&it.key, it.text.to_vec())).collect();
    assert_eq!(again, kept);
}

/// Fails unless another reader accepts `text`, except for surrogates and depth that it refuses.
fn assert_json(text: &[u8]) {
    if let Err(error) = serde_json::from_slice::<Value>(text) {
        let known = ["surrogate", "recursion limit", "hex escape"];
        let said = error.to_string();
        assert!(known.iter().any(|known| said.contains(known)), "{said}");
    }
}

/// Checks a value: what another reader accepts passes our check, and a normal form is JSON, on one
/// line, and stays as it is when normalised again.
pub fn value(bytes: &[u8]) {
    let theirs = serde_json::from_slice::<Value>(bytes);
    let ours = check(bytes);
    if theirs.is_ok() {
        assert!(ours.is_ok());
    }
    if ours.is_ok()
        && let Ok(normal) = normalise(bytes, Charset::Ascii)
    {
        assert!(normal.is_ascii() && !normal.contains(&b'\n'));
        assert_eq!(*normalise(&normal, Charset::Ascii).expect("it is normal"), *normal);
        assert_json(&normal);
    }
    escaped(bytes);
}

/// Checks the escaped form of a text from before there were classes: it is valid JSON, and both
/// forms are known to need a version that knows classes.
fn escaped(bytes: &[u8]) {
    if let Some(escaped) = escape_classes(bytes) {
        assert!(may_name_class(bytes) && may_name_class(&escaped));
        assert!(escaped.len() > bytes.len() && check(&escaped).is_ok());
    }
}

/// Checks a journal: it is read, whatever it holds; a save writes what was read to a snapshot, and
/// a second process finds the same.
pub fn journal(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let path = folder.path().join("c.json");
    std::fs::write(folder.path().join("c.json.journal-5"), bytes).expect("it can be written");
    let store = open(&path);
    let items = store.load().items.into_vec();
    if let Ok(Some(mut saving)) = store.begin_save()
        && let Ok(Some(_)) = saving.seal()
    {
        saving.write(&items[..].into()).expect("the disk works");
    }
    store.close();
    let again = open(&path).load().items.into_vec();
    let refused = items.iter().filter(|item| normalise(&item.text, Charset::Utf8).is_err()).count();
    let is_later = store.notices().iter().any(|notice| notice.contains("later version"));
    if !is_later && path.exists() {
        assert!(again.len() <= items.len() && again.len() + refused >= items.len());
    }
}

fn open(path: &Path) -> FileStore {
    let options = Options {
        charset: Charset::Utf8,
        format: Format::Annotated,
        durability: Durability::Flush,
        read_only: false,
        map: None,
    };
    FileStore::new(path.to_path_buf(), options)
}

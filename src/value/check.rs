//! Checking whether a text is JSON, without building anything.

use super::text::utf8;
use super::validate_fast::{Validated, validate_fast};
use super::walk::{Visit, walk};
use crate::error::{Error, Result};

/// What a file with one strict entry a line must change in a text that is sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soundness {
    /// There are characters beyond ASCII that are not escaped.
    pub non_ascii: bool,
    /// There are line breaks or tabs between tokens, or Python's `NaN` and `Infinity`.
    pub loose: bool,
}

/// Checks the one value in `text`: the same verdict as [`parse`](super::parse::parse).
pub fn check(text: &[u8]) -> Result<Soundness> {
    if let Some(Validated { ascii }) = validate_fast(text) {
        if !ascii {
            utf8(text)?;
        }
        return Ok(Soundness { non_ascii: !ascii, loose: false });
    }
    look_closely(text)
}

/// Checks a text token by token.
fn look_closely(text: &[u8]) -> Result<Soundness> {
    let text = utf8(text)?;
    let loose = walk(text, &mut Validator)?;
    Ok(Soundness { non_ascii: !text.is_ascii(), loose })
}

/// A visitor that ignores everything.
struct Validator;

impl Visit<'_> for Validator {
    type Error = Error;
}

#[cfg(test)]
mod tests {
    use super::{Error, check, look_closely, validate_fast};
    use proptest::prelude::*;

    /// Fails unless both checks of `text` agree, and the fast one accepts everything that is plain.
    fn compare(text: &[u8]) {
        let closely = look_closely(text);
        let verdict = match (&closely, check(text)) {
            (Ok(expected), Ok(found)) => *expected == found,
            (Err(Error::Syntax { at, what }), Err(Error::Syntax { at: place, what: words })) => {
                (at, what) == (&place, &words)
            }
            (Err(Error::TooDeep { .. }), Err(Error::TooDeep { .. })) => true,
            _ => false,
        };
        assert!(verdict, "{}: {closely:?}", text.escape_ascii());
        let container = matches!(text.first(), Some(b'[' | b'{'));
        let strict = closely.is_ok_and(|found| !found.loose);
        let utf8 = std::str::from_utf8(text).is_ok();
        assert_eq!(
            validate_fast(text).is_some() && utf8,
            strict && container,
            "{}",
            text.escape_ascii()
        );
    }

    /// All short texts of the significant characters, at every place around the end of a block.
    #[test]
    fn all_short_texts() {
        const BYTES: &[u8] = b"{}[]\",: 10-\\";
        const LENGTH: u32 = 4;
        let mut texts = Vec::new();
        for number in 0..BYTES.len().pow(LENGTH) {
            let digits = (0..LENGTH).map(|n| number / BYTES.len().pow(n) % BYTES.len());
            texts.push(digits.map(|digit| BYTES[digit]).collect::<Vec<u8>>());
        }
        for text in &texts {
            compare(text);
        }
        for length in 56..62 {
            let long = "x".repeat(length);
            for before in [format!("[\"{long}"), format!("{{\"{long}"), format!("[[{}", &long[2..])]
            {
                let before = before.replace('x', if before.starts_with("[[") { " " } else { "x" });
                for text in &texts {
                    for behind in ["\"]", "]", "}", "]]", " 1]"] {
                        compare(&[before.as_bytes(), text, behind.as_bytes()].concat());
                    }
                }
            }
        }
    }

    /// One token of a text, right or wrong.
    fn word() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            " ",
            ", ",
            ": ",
            "\"a\"",
            "\"\\\"\"",
            "\"\\\\\"",
            "\"\"",
            "\"{[:,]}\"",
            "\"\\u12ab\"",
            "\"\\u12g4\"",
            "\"\\x\"",
            "\"a long string of many words\"",
            "1",
            "0",
            "01",
            "-1",
            "-",
            "1.5e+3",
            "1.",
            "1e",
            "12345678901234567890",
            "true",
            "false",
            "null",
            "nul",
            "NaN",
            "\n",
            "\t",
            "\u{e9}",
            "\"\u{e9}\"",
            "\\",
            "\"",
            "x",
        ])
    }

    /// A string that fills blocks from end to end.
    const LONG: &str = "\"This string is long, so that there are whole blocks of sixty-four bytes \
        in which nothing begins and nothing ends, whatever stands before it: {\\\"a\\\": [1, 2]}, \
        and so on, until at last there is nothing more to say, and the string has an end.\"";

    /// A valid text in our spacing, as its tokens.
    fn right() -> impl Strategy<Value = Vec<String>> {
        let leaf = prop::sample::select(vec![
            LONG,
            "1",
            "-0.5e3",
            "0",
            "true",
            "null",
            "\"a\"",
            "\"\\\"\\\\\"",
            "\"\"",
            "1234567890",
            "\"{\\\"a\\\": [1, 2]}, and so on, longer than a block of sixty-four bytes is, by far\"",
            "\"\u{e9}\"",
            "[]",
            "{}",
            "\"\\ud83d\"",
            "\"\\\\\\\\\\\\\"",
        ]);
        leaf.prop_map(|leaf| vec![leaf.to_owned()]).prop_recursive(6, 60, 6, |inner| {
            let joined = |open: &str, parts: Vec<Vec<String>>, close: &str| {
                let mut words = vec![open.to_owned()];
                for (n, part) in parts.into_iter().enumerate() {
                    words.extend((n > 0).then(|| ", ".to_owned()));
                    words.extend(part);
                }
                words.push(close.to_owned());
                words
            };
            let member =
                (prop::sample::select(vec!["\"key\"", "\"\"", "\"\\n\"", LONG]), inner.clone());
            let member = member
                .prop_map(|(key, value)| [vec![key.to_owned(), ": ".to_owned()], value].concat());
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(move |parts| joined("[", parts, "]")),
                prop::collection::vec(member, 0..6).prop_map(move |parts| joined("{", parts, "}")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..Default::default() })]

        /// Texts of tokens in any order.
        #[test]
        fn any_words(words in prop::collection::vec(word(), 1..40)) {
            compare(format!("[{}", words.concat()).as_bytes());
            compare(format!("{{\"a\": {}}}", words.concat()).as_bytes());
        }

        /// Valid texts, shifted by some bytes, and with one token lost, doubled or moved.
        #[test]
        fn right_and_nearly_right_texts(words in right(), shift in 0..70_usize, at: prop::sample::Index, to: prop::sample::Index, other in word(), kind in 0..4) {
            let mut words = [vec!["[".to_owned(), format!("\"{}\"", "x".repeat(shift)), ", ".to_owned()], words, vec!["]".to_owned()]].concat();
            compare(words.concat().as_bytes());
            prop_assert!(validate_fast(words.concat().as_bytes()).is_some());
            let (at, to) = (at.index(words.len()), to.index(words.len()));
            match kind {
                0 => drop(words.remove(at)),
                1 => words.insert(to, words[at].clone()),
                2 => words.swap(at, to),
                _ => words[at] = other.to_owned(),
            }
            compare(words.concat().as_bytes());
        }
    }

    /// A value as deep as allowed, and one level more; brackets of either kind.
    #[test]
    fn the_depth_is_that_of_the_slow_way() {
        for levels in [1, 63, 64, 65, 499, 500, 501, 5000] {
            compare(("[".repeat(levels) + &"]".repeat(levels)).as_bytes());
            compare(("{\"a\":".repeat(levels) + "1" + &"}".repeat(levels)).as_bytes());
            compare(("[{\"a\": ".repeat(levels / 2) + "1" + &"} ]".repeat(levels / 2)).as_bytes());
        }
    }
}

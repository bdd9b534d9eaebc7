//! Random values and texts: compared with serde, and with themselves after a round trip.

use outlive::value::check::check;
use outlive::value::normalise::normalise;
use outlive::value::text::has_split_pair;
use outlive::value::write::Charset;
use proptest::prelude::*;
use serde_json::Value;

use super::{float, from_serde, read, string, write, written};

fn json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(|i| i.to_string()),
        "-?[1-9][0-9]{17,60}",
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| format!("{f:?}")),
        "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,20})?([eE][-+]?[0-9]{1,2})?",
    ];
    let text = prop_oneof![any::<String>(), "\\PC{0,40}", "[ -~]{0,70}", "\\$[a-z]{0,6}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(|n| serde_json::from_str(&n).unwrap()),
        text.clone().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((text.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Generates JSON texts with one to three random damages.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let damage = (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8);
    (json(), prop::collection::vec(damage, 1..4)).prop_map(|(value, damages)| {
        let mut text = serde_json::to_vec(&value).unwrap();
        for (place, byte, kind) in damages {
            if text.is_empty() {
                break;
            }
            let at = place.index(text.len());
            match kind {
                0 => text[at] = byte,
                1 => text.truncate(at),
                _ => text.insert(at, b"\"\\{}[],: 0-.eE\n\x00u"[usize::from(byte) % 17]),
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    /// A text is read as serde_json reads it.
    #[test]
    fn agrees_with_serde(value in json()) {
        for text in [serde_json::to_vec(&value).unwrap(), serde_json::to_vec_pretty(&value).unwrap()] {
            prop_assert_eq!(read(&text).unwrap(), from_serde(&value));
        }
    }

    /// What the writer writes reads back as the same value, in both charsets.
    #[test]
    fn written_values_come_back(value in json()) {
        let node = from_serde(&value);
        for charset in [Charset::Ascii, Charset::Utf8] {
            let text = written(charset, |out| write(&node, out));
            prop_assert_eq!(read(&text).unwrap(), node.clone());
            prop_assert!(charset == Charset::Utf8 || text.is_ascii());
            prop_assert!(!check(text.as_bytes()).unwrap().loose);
        }
    }

    /// Checking and parsing give the same verdict on any text.
    #[test]
    fn check_and_parse_agree(text in mutated()) {
        let parsed = read(&text).map(drop).map_err(|e| e.to_string());
        prop_assert_eq!(check(&text).map(drop).map_err(|e| e.to_string()), parsed);
    }

    /// Apart from Python's extras and `\u`, exactly what serde_json accepts is accepted.
    #[test]
    fn nothing_but_json_is_taken(text in mutated()) {
        let lossy = String::from_utf8_lossy(&text).into_owned();
        let extras = lossy.contains("\\u") || lossy.contains("NaN") || lossy.contains("Infinity");
        prop_assert!(extras || read(&text).is_ok() == serde_json::from_slice::<Value>(&text).is_ok());
    }

    /// A normalised text is one line of strict JSON in its charset, with the same value.
    #[test]
    fn tidy_preserves_the_value(value in json(), pretty: bool) {
        let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
        let text = text.unwrap();
        for charset in [Charset::Ascii, Charset::Utf8] {
            let tidied = normalise(&text, charset).unwrap();
            let found = check(&tidied).unwrap();
            prop_assert!(!found.loose);
            prop_assert!(charset == Charset::Utf8 || !found.non_ascii);
            prop_assert_eq!(read(&tidied).unwrap(), from_serde(&value));
        }
    }

    /// Any finite float is written as a float that reads back with the same bits.
    #[test]
    fn floats_are_exact(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        let text = written(Charset::Ascii, |out| out.float(value));
        prop_assert!(text.contains(['.', 'e']));
        prop_assert_eq!(read(&text).unwrap(), float(value));
    }

    /// Any Python string without a split pair survives writing and reading.
    #[test]
    fn lone_surrogates_survive(units in prop::collection::vec(prop_oneof![0xd7f0..0xe010_u16, 0..0x80_u16], 0..12)) {
        let text: Vec<u8> = char::decode_utf16(units).flat_map(|unit| match unit {
            Ok(character) => character.to_string().into_bytes(),
            Err(lone) => {
                let [high, low] = lone.unpaired_surrogate().to_be_bytes();
                vec![0xed, 0x80 | (high & 0xf) << 2 | low >> 6, 0x80 | low & 0x3f]
            }
        }).collect();
        prop_assert!(!has_split_pair(&text));
        for charset in [Charset::Ascii, Charset::Utf8] {
            let json = written(charset, |out| out.wtf8(&text).unwrap());
            prop_assert_eq!(read(&json).unwrap(), string(&text));
        }
    }
}

//! Who made a result: which call, of which function, by which code.

use super::teller::Teller;
use crate::cache::Origin;

/// One call as the maker of a result, to be noted with it or compared with who made one that is there.
pub struct Provenance<'a> {
    /// The call.
    pub of: Teller<'a>,
    /// Who asks, where keys do not tell.
    pub origin: Option<Origin>,
}

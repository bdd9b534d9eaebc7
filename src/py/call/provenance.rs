//! The provenance of a result: the call, the function and the code that made it.

use super::memoised::Memoised;
use super::request::Request;
use super::teller::Teller;

/// One call as the maker of a result: noted with it, or compared with the maker of an older one.
#[derive(Clone, Copy)]
pub struct Provenance<'a> {
    /// The function.
    pub me: &'a Memoised,
    /// What the call asks for, with its origin where keys do not tell.
    pub request: &'a Request,
}

impl<'a> Provenance<'a> {
    pub(super) fn teller(self) -> Teller<'a> {
        Teller { me: self.me, request: self.request }
    }
}

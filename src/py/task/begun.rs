//! What stays the same while a call is under way, from one suspension to the next.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::prelude::*;

use crate::cache::Origin;
use crate::py::cache::mode::Mode;
use crate::py::call::context::CallContext;
use crate::py::call::invocation::Invocation;
use crate::py::call::memoised::Memoised;
use crate::py::call::options::Options;
use crate::py::key::arguments::Call;

/// An invocation without what it borrows.
pub struct Begun {
    key: Bytes,
    context: Arc<CallContext>,
    mode: Mode,
    anew: bool,
    /// How results are kept and served.
    pub options: Arc<Options>,
    origin: Option<Origin>,
    epoch: u64,
}

impl Begun {
    /// What of `invocation` outlives a suspension.
    pub fn of(invocation: &Invocation<'_, '_>) -> Self {
        Self {
            key: invocation.key.clone(),
            context: Arc::clone(&invocation.context),
            mode: invocation.mode,
            anew: invocation.anew,
            options: Arc::clone(&invocation.options),
            origin: invocation.origin,
            epoch: invocation.epoch,
        }
    }

    /// The invocation once more, of the same function with the same arguments.
    pub fn resume<'a, 'py>(
        &self,
        me: &'a Memoised,
        py: Python<'py>,
        call: &'a Call<'a, 'py>,
    ) -> Invocation<'a, 'py> {
        Invocation {
            me,
            core: me.core.bind(py).clone(),
            call,
            key: self.key.clone(),
            context: Arc::clone(&self.context),
            mode: self.mode,
            anew: self.anew,
            options: Arc::clone(&self.options),
            origin: self.origin,
            epoch: self.epoch,
        }
    }
}

//! Inner calls under a key that is being computed, and outcomes of others that this call waited
//! for.

use pyo3::prelude::*;

use super::answer::Answer;
use super::invocation::{Invocation, Look, Step};
use crate::cache::SharedResult;
use crate::py::cache::PySharedResult;

impl<'py> Invocation<'_, 'py> {
    /// Returns the step of an inner call: the value of an earlier one, if there was one.
    pub(super) fn inside(&self, py: Python<'py>) -> PyResult<Step<'py>> {
        let kept = self.cache().flights().nested_get(&self.request.key, self.request.caller());
        let Some(SharedResult::Result(text, live)) = kept else { return Ok(Step::Nested) };
        let value = self.serving().value_of(py, text.as_ref(), live)?;
        Ok(value.map_or(Step::Nested, |value| Step::Done((value, None))))
    }

    /// Uses the outcome that this call waited for; None if it is of no use here.
    pub fn shared(
        &self,
        py: Python<'py>,
        shared: Option<PySharedResult>,
    ) -> PyResult<Option<Answer<'py>>> {
        let (text, live) = match shared {
            None => return Ok(None),
            Some(SharedResult::Failed(error)) => {
                self.observer().hit(py)?;
                return Err(error.clone_ref(py));
            }
            Some(SharedResult::Result(text, live)) => (text, live),
        };
        if !self.request.anew
            && let Look::Hit(answer) = self.look(py)?
        {
            return Ok(Some(answer));
        }
        let value = self.serving().value_of(py, text.as_ref(), live)?;
        if value.is_some() {
            self.observer().hit(py)?;
        }
        Ok(value.map(|value| (value, None)))
    }
}

//! Values in and out: Python objects, their JSON texts, and how a hit copies them.

pub mod callbacks;
pub mod classes;
pub mod decode;
pub mod deep_copy;
pub mod encode;
pub mod failure;
pub mod immutable;
pub mod instance_plan;
pub mod key_interner;
pub mod on_demand;
pub mod once;
pub mod plan;
pub mod refusal;
pub mod shape;
pub mod stored_text;
pub mod template;
#[cfg(Py_GIL_DISABLED)]
pub mod template_pool;
pub mod wtf8;

//! Makes `PyO3`'s `cfg`s (`Py_GIL_DISABLED`, `Py_3_12`, …) known in this crate.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_PYTHON").is_some() {
        pyo3_build_config::use_pyo3_cfgs();
    }
}

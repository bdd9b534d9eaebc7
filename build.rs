//! Makes `PyO3`'s `cfg`s (`Py_GIL_DISABLED`, `Py_3_12`, …) known in this crate, and puts the functions
//! of `src/py/ffi/ending.rs` in the place of the interpreter's.

use std::env;

use pyo3_build_config::PythonVersion;

const ENDING: &str = "src/py/ffi/ending.rs";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={ENDING}");
    println!("cargo:rustc-check-cfg=cfg(ending_unwinds)");
    if env::var_os("CARGO_FEATURE_PYTHON").is_some() {
        pyo3_build_config::use_pyo3_cfgs();
        if ending_unwinds() {
            guard_calls();
        }
    }
}

/// Whether the end of the interpreter unwinds the threads that want to go on.
fn ending_unwinds() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && pyo3_build_config::get().version() < PythonVersion { major: 3, minor: 14 }
}

/// Has the linker take the guarded functions. LLVM's puts a guard in no place, and leaves it without the
/// function behind it, where nothing calls that function, as on a Python for which `PyO3` calls a later
/// one: such a module would not load. So each function counts as called.
fn guard_calls() {
    println!("cargo:rustc-cfg=ending_unwinds");
    let source = std::fs::read_to_string(ENDING).expect("the sources are here");
    for line in source.split("__wrap_").skip(1) {
        let name = line.split(' ').next().unwrap_or_default();
        println!("cargo:rustc-link-arg-cdylib=-Wl,--undefined={name},--wrap={name}");
    }
}

"""What a wheel and a source distribution hold, and how one is installed where nothing else is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

from support.pages import ROOT

#: What may lie beside the Python files in a wheel.
_BESIDE = re.compile(
    r"outlive/_core\.[\w.-]+\.(so|pyd)"
    r"|outlive-[^/]+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE"
    r"|sboms/[\w.-]+\.json)"
)
#: What a build needs beside Rust's and Python's files.
_FOR_A_BUILD = {
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "build.rs",
    "pyproject.toml",
}


def python_files() -> set[str]:
    """The files of the package in this checkout, as a wheel names them."""
    folder = ROOT / "python"
    return {
        path.relative_to(folder).as_posix()
        for path in (folder / "outlive").rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".pyd", ".so")
    }


def names_in_wheel(path: Path) -> set[str]:
    """The names of all files in a wheel."""
    with zipfile.ZipFile(path) as wheel:
        return {name for name in wheel.namelist() if not name.endswith("/")}


def native_half(path: Path) -> bytes:
    """The compiled module in a wheel."""
    (name,) = (name for name in names_in_wheel(path) if re.search(r"/_core\..*(so|pyd)$", name))
    with zipfile.ZipFile(path) as wheel:
        return wheel.read(name)


def this_python() -> str:
    """This interpreter by the name that ``maturin develop`` calls it by.

    By another name of it, all crates that know Python would be built once more.
    """
    plain = Path(sys.executable).with_name("python.exe" if os.name == "nt" else "python")
    return str(plain if plain.exists() else sys.executable)


def strangers_in_wheel(path: Path) -> set[str]:
    """What is in a wheel and has no business there, and what should be there and is not."""
    names = names_in_wheel(path)
    beside = {name for name in names if _BESIDE.fullmatch(name)}
    missing = set() if any("/_core." in name for name in beside) else {"outlive/_core"}
    return missing | (names - beside) ^ python_files()


def strangers_in_sdist(path: Path) -> set[str]:
    """What is in a source distribution and no build needs, and what one needs and is not there."""
    with tarfile.open(path) as sdist:
        names = {member.name.partition("/")[2] for member in sdist if member.isfile()}
    rust = {file.relative_to(ROOT).as_posix() for file in (ROOT / "src").rglob("*.rs")}
    python = {f"python/{name}" for name in python_files()}
    return names ^ (rust | python | _FOR_A_BUILD)


def build(folder: Path, *command: str) -> Path:
    """Run a command of maturin that makes one distribution in ``folder``, which is returned."""
    subprocess.run(
        [sys.executable, "-m", "maturin", *command, "--out", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    (made,) = folder.iterdir()
    return made


def install_alone(distribution: Path, folder: Path) -> Path:
    """Install a wheel in a fresh environment in ``folder``; the Python of it.

    What outlive and the examples import beside it is found where the tests have it.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q"]
    subprocess.run([*pip, "--no-index", "--no-deps", str(distribution)], check=True)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True)
    beside = Path(own.stdout.strip()) / "beside.pth"
    beside.write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python

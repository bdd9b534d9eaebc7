"""Fetches the versions of octohatrack that the tests run: `python tests/python/compat/octohatrack/versions.py`.

octohatrack is the tool whose decorator outlive replaces. Its versions cannot live in one environment, so each is
installed into a folder of its own, once for all Pythons (they are pure Python). This is the only step that
needs a package index; the tests themselves reach nothing but 127.0.0.1.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

#: Version -> SHA-256 of its archive on PyPI. All that carry the decorator in `helpers.py`.
VERSIONS = {
    "0.3.0": "41e31e444861ae3385131bbfdc6f9cb92cee2dd382cfa1c092aafa59774dd9ef",
    "0.3.1": "908d7a5b69e9610c0f0955ea4b6442578967053a59a3f2fba5baaabfa636ce4d",
    "0.4.0": "67b59165d34787ddd75e392148c1f70cd24c17f6210a06ad542ab70de95e6386",
    "0.5.0": "db27288a2cdc97ecfb35a8096b456d5f660f7e6fd4a424d4884086ff021430d8",
    "0.5.1": "e4de93552f18fba237d39dc59a5d1cd1efc768c59bdba7dd747f80b814504535",
    "0.6.0": "1f24d46fdd9ef20f27f275b98ae5f9c54c7ebef7036f790ff81bb73c12dd128f",
    "0.6.1": "4983e5f31a1e33d962397e77d947f0083f931d4acb507742a48ab964032cbf10",
}

ROOT = Path(__file__).resolve().parents[4]
#: Among what is built, where `make clean` finds it.
FOLDER = ROOT / "target" / "octohatrack"


def folder_of(version: str) -> Path:
    """Where `version` lies, ready for `sys.path`; FileNotFoundError tells how to get it."""
    folder = FOLDER / version
    if not (folder / "octohatrack" / "helpers.py").is_file():
        message = f"octohatrack {version} is not in {folder}: run `python {Path(__file__).relative_to(ROOT)}` once (it asks PyPI)"
        raise FileNotFoundError(message)
    return folder


def install(version: str) -> None:
    """Puts `version` into its folder; a folder is there whole or not at all."""
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=f".{version}-") as scratch:
        pins = Path(scratch, "pins.txt")
        pins.write_text(
            f"octohatrack=={version} --hash=sha256:{VERSIONS[version]}\n", encoding="utf-8"
        )
        target = Path(scratch, "tree")
        # No dependencies: the launcher stands in for those that the tests do not want (see launcher.py).
        options = [
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-compile",
            "--require-hashes",
        ]
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            *options,
            "--target",
            str(target),
            "-r",
            str(pins),
        ]
        subprocess.run(command, check=True)
        target.rename(FOLDER / version)


def main() -> None:
    """Installs what is missing, two at a time (nearly all of it is waiting for pip)."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    missing = [version for version in VERSIONS if not (FOLDER / version).is_dir()]
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(install, missing))


if __name__ == "__main__":
    main()

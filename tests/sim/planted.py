#!/usr/bin/python3
"""Plants bugs, one at a time, and shows that the simulation finds each.

Usage: planted.py [--seeds N] [--jobs J] [NAME...]   builds and runs; tools/sim --planted calls it
       planted.py --check                            only: does every patch apply to this tree?

Each file of planted/ is a patch with a sentence above it. The tree is copied, and in the copy each patch in turn is
applied, the simulation built and run from seed 1 on until a rule is broken: in worlds that carry traffic, and for a patch
whose name begins with fanout_ in those of the fan-out API. Exit status 1 if a bug is not found within N
seeds, or a patch does not apply.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PATCHES = HERE / "planted"
FOUND = re.compile(r"^seed (\d+): (.*)$", re.MULTILINE)
ASSERTION = re.compile(r"broken invariant: (.*)$", re.MULTILINE)


def not_copied(directory: str, names: list[str]) -> list[str]:
    at_root = Path(directory) == ROOT
    return [name for name in names if name == "__pycache__" or (at_root and re.match(r"\.git$|build(-|$)", name))]


def patch_command(tree: Path, patch: Path, *options: str) -> list[str]:
    return ["patch", "--silent", "--strip=1", f"--directory={tree}", f"--input={patch}", *options]


def check() -> int:
    broken = 0
    for patch in sorted(PATCHES.glob("*.patch")):
        result = subprocess.run(patch_command(ROOT, patch, "--dry-run"), capture_output=True, text=True, check=False)
        if result.returncode != 0:
            print(f"{patch.name} does not apply: {result.stdout.strip()}")
            broken += 1
    return 1 if broken else 0


def run_seeds(tree: Path, world: str, options: argparse.Namespace) -> tuple[int, str] | None:
    """The seed and the rule that it broke."""
    command = [tree / "build/tests/sim/sim", "--world", world, "--until-found", "--seeds", str(options.seeds)]
    if options.jobs:
        command += ["--jobs", str(options.jobs)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = sorted((int(seed), rule) for seed, rule in FOUND.findall(result.stdout))
    if not found:
        return None
    seed, rule = found[0]
    if assertion := ASSERTION.search(result.stderr):
        rule = f"assertion: {assertion.group(1)}"
    return seed, rule


def plant(tree: Path, patch: Path, options: argparse.Namespace) -> bool:
    subprocess.run(patch_command(tree, patch), check=True)
    try:
        subprocess.run([tree / "tools/build", "gcc", "tests/sim/sim"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        began = time.monotonic()
        found = run_seeds(tree, "fanout" if patch.stem.startswith("fanout_") else "carry", options)
        took = time.monotonic() - began
    finally:
        subprocess.run(patch_command(tree, patch, "--reverse"), check=True)
    if found is None:
        print(f"{patch.stem:22}  NOT FOUND in {options.seeds} seeds, {took:.1f} s", flush=True)
        return False
    print(f"{patch.stem:22}  seed {found[0]:5}  {took:6.1f} s  {found[1]}", flush=True)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the patches in tests/sim/planted (all)")
    parser.add_argument("--seeds", type=int, default=20_000, help="at most so many (20,000)")
    parser.add_argument("--jobs", type=int, default=0, help="threads (one per processor)")
    parser.add_argument("--check", action="store_true", help="only whether the patches apply")
    options = parser.parse_args()
    if options.check:
        return check()
    patches = [PATCHES / f"{name}.patch" for name in options.names] or sorted(PATCHES.glob("*.patch"))
    if missing := [patch.stem for patch in patches if not patch.exists()]:
        parser.error(f"no such patch: {', '.join(missing)}")
    # What a build in another directory compiled before is used again: the paths in it are relative.
    os.environ["CCACHE_NOHASHDIR"] = "1"
    os.environ.pop("PEERPULSE_BUILD_ROOT", None)
    with tempfile.TemporaryDirectory(prefix="planted-") as directory:
        tree = Path(directory) / "tree"
        shutil.copytree(ROOT, tree, ignore=not_copied, symlinks=True)
        return 0 if all([plant(tree, patch, options) for patch in patches]) else 1


if __name__ == "__main__":
    sys.exit(main())

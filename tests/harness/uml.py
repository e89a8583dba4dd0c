"""Another kernel as a process of this one (user-mode Linux): what it does with this machine's files, and the modules that it brings."""

import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

_MODULES = pathlib.Path("/usr/lib/uml/modules")


def missing() -> str:
    """Why there is none here; empty if there is."""
    if shutil.which("linux.uml") and _MODULES.is_dir():
        return ""
    return "user-mode-linux is not installed (tools/setup --all)"


def run(argv: list[str], modules: tuple[str, ...], directory: pathlib.Path, timeout: float, environment: dict[str, str]) -> str:
    """Runs a program as root in a kernel that has these modules and a loopback of its own, and returns what the console showed. It
    sees this machine's files, and may change them."""
    with tempfile.TemporaryDirectory(prefix="peerpulse-test-") as temporary:
        init = pathlib.Path(temporary) / "init"
        files = [next(_MODULES.glob(f"*/kernel/**/{name}.ko")) for name in modules]
        init.write_text("\n".join([
            "#!/bin/sh",
            "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "mount -t proc proc /proc",
            "mount -t sysfs sys /sys",
            "ip link set lo up",
            *(f"insmod {shlex.quote(str(file))}" for file in files),
            *(f"export {name}={shlex.quote(value)}" for name, value in environment.items()),
            f"cd {shlex.quote(str(directory))} && {shlex.join(argv)}",
            "exec halt -f -p",
            ""]), encoding="utf-8")
        init.chmod(0o755)
        # The console is a pipe: without it the kernel would look for a terminal.
        done = subprocess.run(
            ["linux.uml", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "mem=512M", f"init={init}", "con=null",
             "con0=fd:0,fd:1", "quiet"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False,
            env={**os.environ, "TMPDIR": temporary})
    return done.stdout.decode(errors="replace")

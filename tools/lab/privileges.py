"""What the lab needs: to make network namespaces, as root or inside a user namespace of one's own."""

import os
import shutil
import subprocess
import sys

_MARK = "PEERPULSE_LAB_USER_NAMESPACE"
EXIT_SKIPPED = 77
_NEEDED = ("ip", "setpriv", "unshare")
_ADVICE = (
    "the network lab needs root (use sudo), or a kernel that lets users make namespaces "
    "(sysctl user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1 where it exists)"
)


class LabUnavailable(RuntimeError):
    """This machine or user cannot run a lab; the text says what is needed."""


def _works(prefix: list[str]) -> bool:
    return subprocess.run(
        [*prefix, "unshare", "--net", "ip", "link", "add", "br0", "type", "bridge"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
    ).returncode == 0


def check_privileges() -> None:
    """Raises LabUnavailable unless this process can build a lab."""
    for program in _NEEDED:
        if shutil.which(program) is None:
            raise LabUnavailable(f"the network lab needs `{program}`; run tools/setup")
    if not _works([]):
        raise LabUnavailable(_ADVICE)


def ensure_privileges() -> None:
    """Starts this program again in a user namespace if it has no right to build a lab here but would have there.

    Raises LabUnavailable if it would not.
    """
    if os.geteuid() == 0 or os.environ.get(_MARK):
        check_privileges()
        return
    user_namespace = ["unshare", "--user", "--map-root-user", "--net"]
    if not _works(user_namespace):
        raise LabUnavailable(_ADVICE)
    environment = dict(os.environ, **{_MARK: "1"})
    os.execvpe("unshare", [*user_namespace, "--", sys.executable, *sys.orig_argv[1:]], environment)

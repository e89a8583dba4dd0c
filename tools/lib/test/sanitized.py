"""What sanitized programs need around them."""

import platform
import subprocess

ENVIRONMENT = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    "LSAN_OPTIONS": "report_objects=1",
}


def without_randomisation() -> list[str]:
    """A command prefix: much address randomisation leaves the sanitizers' runtimes no room for their shadow memory.

    Some containers forbid it, and then it has to go without.
    """
    prefix = ["setarch", platform.machine(), "--addr-no-randomize"]
    return prefix if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0 else []

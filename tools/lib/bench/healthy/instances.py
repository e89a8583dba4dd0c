"""The peerpulses of the bench."""

from tools.lib.bench.healthy.scenario import Instance

_NOFILE = 64


def _route(name: str, class_: str, **match: str) -> dict:
    return {"name": name, "method": "", "path_prefix": "", "content_type_prefix": "", **match, "class": class_}


# The preset's own, behind one for what an operator knows to take long: a long poll has no content type to show it.
_ROUTES = [
    _route("poll", "stream", path_prefix="/wait/"),
    _route("grpc", "stream", content_type_prefix="application/grpc"),
    _route("put", "bulk", method="PUT"),
    _route("post", "bulk", method="POST"),
    _route("get", "bulk", method="GET"),
    _route("default", "control"),
]

GENERIC = Instance("generic", {"preset": "generic", "routes": _ROUTES})
RUSTFS = Instance("rustfs", {"preset": "rustfs"})
MINIO = Instance("minio", {"preset": "minio"})
SWIFT = Instance("swift", {"preset": "swift"})
PAUSED = Instance("paused", {"preset": "generic"})
"""The one that is stopped; without _ROUTES, so that every deadline there is runs."""
RESTARTED = Instance("restarted", {"preset": "minio"})
FEW_DESCRIPTORS = Instance("few_descriptors", {"preset": "generic"}, ("prlimit", f"--nofile={_NOFILE}", "--"))

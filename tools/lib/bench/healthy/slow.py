"""slow_readers, slow_writers, slow_peers: slow is not dead."""

from tools.lib.bench.command import MIB
from tools.lib.bench.healthy.clients import gets, h1_download, h1_upload, h2_download, h2_upload, repeated
from tools.lib.bench.healthy.instances import GENERIC, MINIO
from tools.lib.bench.healthy.scenario import Scenario, Work
from tools.lib.bench.healthy.side import Side

_RATE = MIB // 2
_PAUSE_AT = MIB
_PAUSED = 16 * MIB
_PAUSE_S = 14
# MinIO's path of a shard, so that its route is the one of the preset.
_SHARD = "/minio/storage/disk1/v63/createfile"


def _readers(side: Side) -> list[Work]:
    seconds = side.lengths.slow
    size = int(seconds * _RATE)
    path = f"/bytes/{size}"
    paused = f"/bytes/{_PAUSED}"
    work = [repeated(side, "GET at 0.5 MiB/s, h1", seconds, lambda: h1_download(side, path, size, _RATE)),
            repeated(side, "GET at 0.5 MiB/s, h2", seconds, lambda: h2_download(side, path, size, _RATE)),
            gets(side, "/wait/0", 0.5)]
    for pause in side.lengths.reader_pauses:
        work += [repeated(side, f"GET with a pause of {pause} s, h1", pause,
                          lambda pause=pause: h1_download(side, paused, _PAUSED, 0, _PAUSE_AT, pause)),
                 repeated(side, f"GET with a pause of {pause} s, h2", pause,
                          lambda pause=pause: h2_download(side, paused, _PAUSED, 0, _PAUSE_AT, pause))]
    return work


def _writers(side: Side) -> list[Work]:
    seconds = side.lengths.slow
    size = int(seconds * _RATE)
    return [repeated(side, "PUT at 0.5 MiB/s, h1", seconds, lambda: h1_upload(side, "/put", size, _RATE)),
            repeated(side, "PUT at 0.5 MiB/s, h2", seconds, lambda: h2_upload(side, "/put", size, _RATE)),
            gets(side, "/wait/0", 0.5)]


def _peers(side: Side) -> list[Work]:
    seconds = side.lengths.slow
    size = int(seconds * _RATE)
    put, get = f"/put/{_RATE}", f"/bytes/{size}/{_RATE}"
    stops = f"/bytes/{_PAUSED}/0/{_PAUSE_AT}/{_PAUSE_S}"
    waits = f"/put/0/{_PAUSE_S}"
    return [repeated(side, "PUT to a peer that pauses 14 s", _PAUSE_S, lambda: h1_upload(side, waits, _PAUSED, 0)),
            repeated(side, "PUT to a peer of 0.5 MiB/s, h1", seconds, lambda: h1_upload(side, put, size, 0)),
            repeated(side, "PUT to a peer of 0.5 MiB/s, h2", seconds, lambda: h2_upload(side, put, size, 0)),
            repeated(side, "GET from a peer of 0.5 MiB/s", seconds, lambda: h1_download(side, get, size, 0)),
            repeated(side, "GET from a peer that pauses 14 s", _PAUSE_S, lambda: h1_download(side, stops, _PAUSED, 0)),
            gets(side, "/wait/0", 0.5)]


SCENARIOS = [
    Scenario("slow_readers", """GETs read at 0.5 MiB/s from a small buffer, and such as are not read at all for 14 s
(in the long run also 45 s) in the middle; h1 and h2.""", GENERIC, _readers),
    Scenario("slow_writers", """PUTs with a Content-Length whose bytes come at 0.5 MiB/s, which is less than the
minimum rate of the preset: that one is about the peer's own time.""", GENERIC, _writers),
    Scenario("slow_peers", """A peer that takes, and sends, 0.5 MiB/s, and one that pauses for 14 s. Storage
processes pass on the pace of their own clients, so the preset (minio) has no minimum rate.""", MINIO, _peers),
]

"""Real clients."""

import dataclasses
import json
import re
import subprocess

# curl's exit codes that the tests tell apart.
CURL_REFUSED = 7
CURL_PARTIAL = 18
CURL_EMPTY_REPLY = 52
CURL_SEND_ERROR = 55
CURL_RECV_ERROR = 56
CURL_H2_STREAM = 92

_H2LOAD_REQUESTS = re.compile(
    r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored")


def url(address: tuple[str, int], path: str) -> str:
    return f"http://{address[0]}:{address[1]}{path}"


@dataclasses.dataclass
class CurlResult:
    exit_code: int
    status: int
    http_version: str
    headers: dict[str, str]
    body: bytes
    errors: str


_H2 = ["--http2-prior-knowledge"]


def curl(host, target: str, *arguments: str, h2: bool = False, timeout: float = 60) -> CurlResult:
    body = host.directory / "curl-body"
    body.unlink(missing_ok=True)
    done = host.run(["curl", "-sS", *(_H2 if h2 else ["--http1.1"]), "-o", str(body),
                     "-w", "%{json}\n%{header_json}", *arguments, target], timeout=timeout)
    text = done.stdout.decode()
    # Two documents one after the other.
    variables, end = json.JSONDecoder().raw_decode(text)
    headers = json.loads(text[end:] or "{}")
    return CurlResult(
        exit_code=done.returncode, status=variables["http_code"], http_version=variables["http_version"],
        headers={name: ", ".join(values) for name, values in headers.items()},
        body=body.read_bytes() if body.exists() else b"", errors=done.stderr.decode())


def start_upload(host, target: str, *arguments: str, h2: bool = False) -> subprocess.Popen:
    """curl with an endless upload: what the caller writes to `stdin` is the body."""
    argv = ["curl", "-sS", *(_H2 if h2 else ["--http1.1"]), "-T", "-", "-H", "Expect:", "-w", "%{http_code}",
            "-o", "/dev/null", *arguments, target]
    with host.entered():
        return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@dataclasses.dataclass
class LoadResult:
    total: int
    succeeded: int
    failed: int
    output: str


def h2load(host, target: str, requests: int, clients: int = 4, streams: int = 10, h1: bool = False,
           timeout: float = 120) -> LoadResult:
    argv = ["h2load", f"-n{requests}", f"-c{clients}", f"-m{streams}", *(["--h1"] if h1 else []), target]
    output = host.run(argv, timeout=timeout).stdout.decode()
    match = _H2LOAD_REQUESTS.search(output)
    if match is None:
        raise AssertionError(f"h2load:\n{output}")
    total, _, succeeded, failed, errored = (int(text) for text in match.groups())
    return LoadResult(total, succeeded, failed + errored, output)

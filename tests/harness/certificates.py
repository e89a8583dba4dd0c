"""Certificates of every kind that TLS has to tell apart, made by openssl."""

import dataclasses
import pathlib
import shutil
import subprocess
import tempfile
import unittest

_LONG_AGO, _LATELY = "20200101000000Z", "20210101000000Z"
_FAR, _FARTHER = "20900101000000Z", "20910101000000Z"
_VALID = (_LONG_AGO, _FAR)
EXPIRED = (_LONG_AGO, _LATELY)
NOT_YET_VALID = (_FAR, _FARTHER)

# `openssl ca`, not `openssl x509`: it takes dates.
_CONFIG = """
[ca]
default_ca = authority
[authority]
database = {directory}/index
new_certs_dir = {directory}
certificate = {directory}/ca.pem
private_key = {directory}/ca.key
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = none
[any]
commonName = supplied
"""


@dataclasses.dataclass(frozen=True)
class Certificate:
    file: pathlib.Path
    key: pathlib.Path

    @property
    def both(self) -> pathlib.Path:
        """Certificate and key in one file."""
        path = self.file.with_suffix(".both.pem")
        if not path.exists():
            path.write_bytes(self.file.read_bytes() + self.key.read_bytes())
        return path


def class_directory(case: type[unittest.TestCase]) -> pathlib.Path:
    """For the certificates of a class of test cases; it goes with the class."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="peerpulse-certificates-"))
    case.addClassCleanup(shutil.rmtree, directory, ignore_errors=True)
    return directory


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(f"openssl {arguments}:\n{done.stderr}")


def _new_key(path: pathlib.Path) -> None:
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(path))


class Authority:
    """`file` is what those trust who trust it. Certificates are good as servers' and as clients', unless asked for otherwise."""

    def __init__(self, directory: pathlib.Path, name: str = "test authority") -> None:
        directory.mkdir(parents=True)
        self._directory = directory
        self.file = directory / "ca.pem"
        key = directory / "ca.key"
        _new_key(key)
        _openssl("req", "-x509", "-new", "-key", str(key), "-sha256", "-days", "3650", "-subj", f"/CN={name}",
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                 "-out", str(self.file))
        (directory / "index").write_text("", encoding="ascii")
        (directory / "config").write_text(_CONFIG.format(directory=directory), encoding="ascii")

    def issue(self, name: str, *alternatives: str, valid: tuple[str, str] = _VALID) -> Certificate:
        """For `name` and `alternatives` ("DNS:node2", "IP:127.0.0.1"; none: the loopback's address). Once for each name: the
        second call gives another certificate, and writes it over the first."""
        base = self._directory / name
        certificate = Certificate(base.with_suffix(".pem"), base.with_suffix(".key"))
        certificate.file.with_suffix(".both.pem").unlink(missing_ok=True)
        request, extensions = base.with_suffix(".csr"), base.with_suffix(".ext")
        _new_key(certificate.key)
        _openssl("req", "-new", "-key", str(certificate.key), "-subj", f"/CN={name}", "-out", str(request))
        extensions.write_text(
            "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
            f"subjectAltName={','.join(alternatives or ('IP:127.0.0.1',))}\n", encoding="ascii")
        start, end = valid
        _openssl("ca", "-batch", "-notext", "-config", str(self._directory / "config"), "-in", str(request), "-out",
                 str(certificate.file), "-startdate", start, "-enddate", end, "-extfile", str(extensions))
        return certificate

    def link_tls(self, own: Certificate) -> dict:
        """The section link.tls of a node whose certificate is `own`, and that trusts this authority."""
        return {"certificate_file": str(own.file), "key_file": str(own.key), "ca_file": str(self.file)}


def self_signed(directory: pathlib.Path, name: str) -> Certificate:
    certificate = Certificate(directory / f"{name}.pem", directory / f"{name}.key")
    _new_key(certificate.key)
    _openssl("req", "-x509", "-new", "-key", str(certificate.key), "-sha256", "-days", "30", "-subj", f"/CN={name}", "-addext",
             "subjectAltName=IP:127.0.0.1", "-out", str(certificate.file))
    return certificate

"""Apache httpd as a peer: HTTP/1.1 and h2c with prior knowledge on one port, GET and PUT (WebDAV)."""

import functools
import shutil
import subprocess

from tests.harness.peers import Server

_CONFIG = """
ServerRoot {directory}
ServerName store
PidFile {directory}/apache.pid
ErrorLog {directory}/error.log
Listen {address}
{modules}
StartServers 1
ThreadsPerChild 25
Protocols h2c http/1.1
H2Direct on
DavLockDB {directory}/locks
DocumentRoot {root}
<Directory {root}>
  Require all granted
  Dav on
</Directory>
"""
_MODULES = ("mpm_event", "authz_core", "dav", "dav_fs", "http2")


# As root it wants to become another user, who may not read the directories of the tests.
_AS_ANOTHER = ["unshare", "--user", "--map-user=33", "--map-group=33", "--"]


class ApachePeer(Server):
    @staticmethod
    @functools.cache
    def missing() -> str:
        """Why there can be none here; empty if there can."""
        if shutil.which("apache2") is None:
            return "there is no `apache2` (Debian's apache2-bin)"
        tried = subprocess.run([*_AS_ANOTHER, "true"], capture_output=True, text=True, check=False)
        return tried.stderr.strip()

    def _arguments(self) -> list[str]:
        config = self.directory / "apache.conf"
        modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in _MODULES)
        config.write_text(_CONFIG.format(directory=self.directory, root=self.root, address=self.address, modules=modules),
                          encoding="utf-8")
        return [*_AS_ANOTHER, "apache2", "-D", "FOREGROUND", "-f", str(config)]

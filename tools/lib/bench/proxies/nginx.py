"""nginx. Its HTTP/2 is for clients only: the origin gets h1, also in the h2 cases."""

from tests.harness.peers import Server
from tools.lib.bench.proxies.proxy import OtherProxy, write_config

# As root it would change to a user that a user namespace may not have.
_CONFIG = """
daemon off;
master_process off;
user root;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 2048; multi_accept on; }}
http {{
  access_log off;
  tcp_nodelay on;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/answers;
  fastcgi_temp_path {directory}/unused;
  uwsgi_temp_path {directory}/unused;
  scgi_temp_path {directory}/unused;
  client_max_body_size 0;
  keepalive_requests 1000000000;
  http2_max_concurrent_streams 256;
  http2_body_preread_size 1m;
  upstream origin {{
    server {origin};
    keepalive 512;
    keepalive_requests 1000000000;
  }}
  server {{
    listen {listen}{h2};
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      client_body_buffer_size 256k;
      proxy_buffer_size 16k;
      proxy_buffers 8 64k;
      proxy_max_temp_file_size 0;
    }}
  }}
}}
"""


class Nginx(OtherProxy):
    program = "nginx"

    def arguments(self, server: Server, protocol: str, origin: str) -> list[str]:
        config = write_config(server, "nginx.conf", _CONFIG.format(
            directory=server.directory, origin=origin, listen=server.address, h2=" http2" if protocol == "h2" else ""))
        return ["nginx", "-p", str(server.directory), "-c", config, "-e", str(server.directory / "error.log")]

"""GETs of one program that knows nothing of a proxy, by http.client, until it is ended. One line for each: `ok` and the body,
or `error` and what it was.

  steady_http.py HOST PORT REQUESTS_A_CONNECTION SECONDS_BETWEEN
"""

import http.client
import sys
import time

_PATIENCE_S = 10


def main() -> None:
    host, port, each, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    while True:
        connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_S)
        try:
            for _ in range(each):
                connection.request("GET", "/hello")
                answer = connection.getresponse()
                body = answer.read().decode()
                print("ok" if answer.status == 200 else f"error status {answer.status}", body.split("\n")[0], flush=True)
                time.sleep(pause)
        except (OSError, http.client.HTTPException) as error:
            print("error", repr(error), flush=True)
            time.sleep(pause)
        finally:
            connection.close()


if __name__ == "__main__":
    main()

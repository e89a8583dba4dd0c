"""A real browser (headless Chromium) on a host of the tests or a node of the lab, driven by selenium."""

import importlib.util
import json
import os
import shutil
import socket

from tests.harness.host import free_port
from tests.harness.waiting import wait_for


def missing() -> str:
    """What is not there; empty if there is a browser. `tools/setup --all` brings it."""
    absent = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if importlib.util.find_spec("selenium") is None:
        absent.append("python3-selenium")
    return f"no browser: {', '.join(absent)} missing (tools/setup --all)" if absent else ""


class Browser:
    """One window. Calls go to the driver through a socket that is made on the host, where the browser runs, too."""

    def __init__(self, host, size: tuple[int, int] = (1280, 900), dark: bool = False) -> None:
        from selenium import webdriver  # only where there is one
        from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection

        self.host = host
        port = free_port(host, "127.0.0.1")
        # chromedriver starts the browser: both end with this process group.
        self.driver_process = host.spawn([shutil.which("chromedriver"), f"--port={port}"], name=f"chromedriver-{port}",
                                         env={**os.environ, "HOME": str(host.directory), "NO_PROXY": "*"})
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        profile = host.directory / f"browser-{port}"
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
                         "--hide-scrollbars", "--disable-background-networking", "--disable-component-update", "--no-first-run",
                         f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        with host.entered():
            wait_for(lambda: _accepts(port), 20, "chromedriver")
            connection = ChromiumRemoteConnection(f"http://127.0.0.1:{port}", "goog", "chrome", ignore_proxy=True)
            self.driver = webdriver.Remote(connection, options=options)
        self.open("about:blank")  # away from the browser's own first page
        self.complaints()
        self.requested()
        self.resize(*size)
        self.prefer("dark" if dark else "light")

    def command(self, name: str, parameters: dict):
        """Of the DevTools protocol."""
        with self.host.entered():
            return self.driver.execute("executeCdpCommand", {"cmd": name, "params": parameters})["value"]

    def resize(self, width: int, height: int) -> None:
        """The page's own area: a window cannot be as narrow as a telephone."""
        self.command("Emulation.setDeviceMetricsOverride",
                     {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def prefer(self, scheme: str) -> None:
        """"dark" or "light"."""
        self.command("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def open(self, url: str) -> None:
        with self.host.entered():
            self.driver.get(url)

    def run(self, script: str, *arguments):
        """The value of a function body of JavaScript."""
        with self.host.entered():
            return self.driver.execute_script(script, *arguments)

    def run_async(self, script: str, *arguments, timeout: float = 30):
        """As run(); the last argument of the script is what takes its value."""
        with self.host.entered():
            self.driver.set_script_timeout(timeout)
            return self.driver.execute_async_script(script, *arguments)

    def wait(self, script: str, *arguments, timeout: float = 10, what: str = ""):
        """Until the script returns something true, which is returned."""
        return wait_for(lambda: self.run(script, *arguments), timeout, what or script)

    def text(self, selector: str) -> str:
        """As it is rendered."""
        return self.run("return document.querySelector(arguments[0]).innerText", selector)

    def press(self, *keys: str) -> None:
        """As on a keyboard, to whatever has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains

        with self.host.entered():
            ActionChains(self.driver).send_keys(*keys).perform()

    def screenshot(self, path) -> None:
        with self.host.entered():
            self.driver.save_screenshot(str(path))

    def complaints(self) -> list[str]:
        """What the console says since the last time: errors, violations of the policy."""
        with self.host.entered():
            return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def requested(self) -> list[str]:
        """The addresses of all requests of the page since the last time."""
        with self.host.entered():
            entries = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [entry["params"]["request"]["url"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]

    def close(self) -> None:
        try:
            with self.host.entered():
                self.driver.quit()
        finally:
            self.driver_process.kill()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True

"""Debian's Chromium, headless and without a network, driven over chromedriver's own HTTP interface."""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing can be reached: what the page asks of the network becomes an error that a test sees.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


class Browser:
    """One window."""

    def __init__(self, port: int, session: str) -> None:
        self._url = f"http://127.0.0.1:{port}/session/{session}"

    def open(self, path: Path) -> None:
        """Show a file."""
        _call(f"{self._url}/url", {"url": path.resolve().as_uri()})

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Set a screen of so many CSS pixels, light or dark."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", {"features": [scheme]})

    def command(self, name: str, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401  (JSON)
        """Send a command of the DevTools protocol."""
        return _call(f"{self._url}/goog/cdp/execute", {"cmd": name, "params": dict(parameters)})

    def run(self, script: str) -> Any:  # noqa: ANN401  (JSON)
        """Return the result of a script of the test."""
        return _call(f"{self._url}/execute/sync", {"script": script, "args": []})

    def press(self, key: str) -> None:
        """Press a key."""
        code = {"Tab": 9}[key]
        for what in ("rawKeyDown", "keyUp"):
            stroke = {"type": what, "key": key, "code": key, "windowsVirtualKeyCode": code}
            self.command("Input.dispatchKeyEvent", stroke)

    def complaints(self) -> list[str]:
        """Return what was written to the console since the last time: errors, warnings, refused requests."""
        return [entry["message"] for entry in _call(f"{self._url}/se/log", {"type": "browser"})]

    def screenshot(self, path: Path) -> None:
        """Take a picture of the whole page."""
        shot = self.command("Page.captureScreenshot", {"captureBeyondViewport": True})
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start a browser with a fresh profile in a folder."""
    assert CHROMIUM is not None
    assert DRIVER is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        options = {"binary": CHROMIUM, "args": [*ARGUMENTS, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = _started(port, {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        try:
            yield Browser(port, session)
        finally:
            _call(f"http://127.0.0.1:{port}/session/{session}", None, method="DELETE")
    finally:
        driver.terminate()
        driver.wait(timeout=10)


def _started(port: int, wanted: Mapping[str, Any]) -> Any:  # noqa: ANN401  (JSON)
    for _ in range(100):
        try:
            return _call(f"http://127.0.0.1:{port}/session", wanted)
        except ConnectionError:
            time.sleep(0.1)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
            time.sleep(0.1)
    raise TimeoutError("chromedriver does not answer")


def _call(url: str, body: Mapping[str, Any] | None, method: str = "POST") -> Any:  # noqa: ANN401  (JSON)
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["value"]

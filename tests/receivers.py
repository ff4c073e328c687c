"""Real servers on loopback for messages, each a process of its own: `receivers.py LOG http|smtp [CERTIFICATE]`.

Prints its port, and writes one JSON line into LOG for each message as soon as it has it whole, before it answers.
How a web server answers is the first part of the path: `/ok/…`, `/500/…`, `/drip/…`, `/503-6e6f77/…` with a
Retry-After in hexadecimal. It is a proxy too, which makes no tunnel. Mail from smtp550@ is refused, mail from smtp451@
is taken and then refused for now, and mail from smtpslow@ is taken slowly.
"""

import asyncio
import json
import re
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOG, KIND = Path(sys.argv[1]), sys.argv[2]


def note(**found: Any) -> None:  # noqa: ANN401
    with LOG.open("a") as stream:
        stream.write(json.dumps(found) + "\n")


class Receiver(BaseHTTPRequestHandler):
    """Answers each POST, and each GET of a heartbeat, as its kind says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        note(path=self._path(), body=None, headers=self._headers())
        self._answer(200)

    def do_CONNECT(self) -> None:
        note(path=self.path, body=None, headers=self._headers())
        self._answer(403)

    def _path(self) -> str:
        """As a proxy gets it, or as a server does."""
        return re.sub("^http://[^/]*", "", self.path)

    def _headers(self) -> dict[str, str]:
        return {name.lower(): text for name, text in self.headers.items()}

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.read = json.loads(body) if "json" in self.headers["Content-Type"] else body
        note(path=self._path(), body=self.read, headers=self._headers())
        kind, _, more = self._path().split("/")[1].partition("-")
        getattr(self, f"answer_{kind}")(*([more] if more else []))

    def answer_ok(self) -> None:
        self._answer(200)

    def answer_hooks(self) -> None:
        """As Mattermost does."""
        self._answer(200)

    def answer_api(self) -> None:
        """As Discord does."""
        self._answer(204)

    def answer_slow(self) -> None:
        """Not before 1.5 s have passed, nor while a test holds the answer back."""
        time.sleep(1.5)
        while LOG.with_suffix(".hold").exists():
            time.sleep(0.01)
        self._answer(200)

    def answer_send_private_msg(self) -> None:
        """As OneBot does: whom it does not know it tells with success, and the refusal in the answer."""
        user = int(self.read["user_id"])
        self._answer(200, body=b'{"status": "failed"}') if user == 200 else self._answer(user)

    def answer_500(self) -> None:
        self._answer(500)

    def answer_503(self, retry_after: str) -> None:
        self._answer(503, {"Retry-After": bytes.fromhex(retry_after).decode("latin-1")})

    def answer_404(self) -> None:
        self._answer(404)

    def answer_429(self) -> None:
        self._answer(429, {"Retry-After": "1800"})

    def answer_redirect(self) -> None:
        self._answer(307, {"Location": f"http://localhost:{self.server.server_port}{self.path}"})  # type: ignore[attr-defined]

    def answer_drip(self) -> None:
        """One byte a second, for as long as anybody listens."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(b".")
            self.wfile.flush()
            time.sleep(1)

    def answer_endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        while True:
            self.wfile.write(b"." * 65_536)

    def _answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Mailbox:
    """Takes mail, or refuses it for good."""

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: ANN401
        if envelope.mail_from.startswith("smtp550@"):
            return "550 no such mailbox"
        note(path="mail", to=envelope.rcpt_tos, body=envelope.content.decode())
        if envelope.mail_from.startswith("smtp451@"):
            return "451 try again later"
        if envelope.mail_from.startswith("smtpslow@"):
            await asyncio.sleep(1.5)
        return "250 OK"


async def take_mail() -> None:
    """Print the port and take mail until killed."""
    from aiosmtpd.smtp import SMTP

    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Mailbox()), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


def serve() -> None:
    """Print the port and serve until killed."""
    if KIND == "smtp":
        asyncio.run(take_mail())
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    serve()

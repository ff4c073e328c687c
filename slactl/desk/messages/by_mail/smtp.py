"""Watch and correct in the sender how Apprise sends mail: through `smtplib`, to whom it likes, with its own headers."""

from typing import Any

from slactl.desk.messages import failures as reasons
from slactl.desk.messages.failures import DEAD, RETRY, UNKNOWN, Failure


def watch_mail(failures: list[Failure]) -> None:
    """Watch every refusal of a mail server, and where the connection broke."""
    import smtplib

    original = smtplib.SMTP.getreply
    smtplib.SMTP.connect = noted(smtplib.SMTP.connect, failures, RETRY)  # type: ignore[method-assign]
    smtplib.SMTP.starttls = noted(smtplib.SMTP.starttls, failures, DEAD)  # type: ignore[method-assign]
    # If the connection breaks after the text of the mail is sent, nobody knows whether the server accepted it.
    smtplib.SMTP.data = noted(smtplib.SMTP.data, failures, UNKNOWN)  # type: ignore[method-assign]

    def getreply(self: smtplib.SMTP) -> tuple[int, bytes]:
        code, text = original(self)
        if code >= 400:
            failures.append(Failure(DEAD if code >= 500 else RETRY, f"SMTP {code}"))
        return code, text

    smtplib.SMTP.getreply = getreply  # type: ignore[method-assign]


def write_to(service: Any, receiver: str, failures: list[Failure]) -> None:  # noqa: ANN401
    """Make a mail go to exactly this address and to no other; Apprise would read parts of some addresses as a name."""
    import smtplib

    service.targets, service.cc, service.bcc = [(False, receiver)], set(), set()
    original = smtplib.SMTP.rcpt

    def rcpt(self: smtplib.SMTP, recip: str, options: Any = ()) -> tuple[int, bytes]:  # noqa: ANN401
        if smtplib.quoteaddr(recip) != f"<{receiver}>":
            failures.append(Failure(DEAD, "Apprise would have sent the mail to another address"))
            raise smtplib.SMTPException("another address")
        return original(self, recip, options)

    smtplib.SMTP.rcpt = rcpt  # type: ignore[method-assign]


def write_headers(headers: dict[str, str]) -> None:
    """Make a mail have exactly these headers; Apprise writes some of them itself, and knows no way to replace them."""
    import smtplib

    original = smtplib.SMTP.sendmail

    def sendmail(self: smtplib.SMTP, sender: str, receivers: list[str], mail: str, *more: Any) -> Any:  # noqa: ANN401
        return original(self, sender, receivers, with_headers(mail, headers), *more)

    smtplib.SMTP.sendmail = sendmail  # type: ignore[method-assign, assignment]


def with_headers(mail: str, headers: dict[str, str]) -> str:
    """Return a mail with headers in place of its own of these names.

    Raises:
        ValueError: a header has more than one line.
    """
    import re

    if not all(f"{name}{text}".isascii() and f"{name}{text}".isprintable() for name, text in headers.items()):
        raise ValueError("a header has more than one line, or letters outside of ASCII")
    head, _, body = mail.partition("\n\n")
    others = re.sub(rf"(?im)^(?:{'|'.join(map(re.escape, headers))}):.*\n(?:[ \t].*\n)*", "", f"{head}\n")
    return "".join(f"{name}: {text}\n" for name, text in headers.items()) + f"{others}\n{body}"


def reads_otherwise(service: Any, url: str) -> bool:  # noqa: ANN401
    """Return whether Apprise would send mail to a part of an address of the URL; it cuts at an apostrophe."""
    import re

    if service.secure_protocol != "mailtos":
        return False
    read = type(service).parse_url(url)
    stated = "\n".join([*read["targets"], read.get("cc", ""), read.get("bcc", "")])
    used = {address for _, address in service.targets} | service.cc | service.bcc
    between = r"\s,;:<>()\""
    cut = [part for part in used if not re.search(rf"(?<![^{between}]){re.escape(part)}(?![^{between}])", stated)]
    return bool(stated.strip() and cut)


def noted(original: Any, failures: list[Failure], outcome: str) -> Any:  # noqa: ANN401
    """Return a step of the mail protocol that also notes how it failed."""
    import socket
    import ssl
    from smtplib import SMTPNotSupportedError, SMTPResponseException

    kinds: tuple[tuple[type[Exception], str, str], ...] = (
        (ssl.SSLError, DEAD, "TLS: the server's certificate is not trusted"),
        (SMTPNotSupportedError, DEAD, "the server does not offer TLS"),
        (ConnectionRefusedError, RETRY, "connection refused"),
        (socket.gaierror, RETRY, "the host is not known"),
        (TimeoutError, outcome, "no answer in time"),
    )

    def step(*args: Any, **options: Any) -> Any:  # noqa: ANN401
        try:
            return original(*args, **options)
        except SMTPResponseException:
            raise  # its code was noted with the reply
        except Exception as error:
            known = next(((kind, text) for type_, kind, text in kinds if isinstance(error, type_)), None)
            what, text = known or (outcome, reasons.with_errno("the connection broke", error))
            failures.append(Failure(what, text, reached=outcome != RETRY))
            raise

    return step

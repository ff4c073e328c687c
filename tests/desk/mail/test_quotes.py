"""What a message is shown as: without quoted history and signature, but only where the cut is certain."""

import pytest

from slactl.desk.mail.quotes import MOST_LINES, first_line, without_quotes

QUOTE = "> Does it print?\n> Ann\n"
OUTLOOK = (
    "From: Support <support@example.com>\nSent: Thursday, 26 November\nTo: Kim\nSubject: Printer\n\nDoes it print?\n"
)


@pytest.mark.parametrize(
    "introduction",
    [
        "On Thu, Nov 26, 2026 at 10:40 AM Support <support@example.com> wrote:",
        "On Thu, Nov 26, 2026 at 10:40 AM Support and Service of Example\n<support@example.com> wrote:",
        "On Thu, Nov 26, 2026 at 10:40 AM Support and Service of the Example <\nsupport@example.com> wrote:",
        "Am 26.11.26 um 10:40 schrieb Support:",
        "Le jeu. 26 nov. 2026 à 10:40, Support <support@example.com> a écrit :",
        "El jue, 26 nov 2026 a las 10:40, Support (<support@example.com>) escribió:",
        "Il giorno gio 26 nov 2026 alle ore 10:40 Support ha scritto:",
        "Op do 26 nov 2026 om 10:40 schreef Support <support@example.com>:",
        "W dniu 26.11.2026 o 10:40, Support pisze:",
        "26 нояб. 2026 г., 10:40 пользователь Support написал:",  # noqa: RUF001
        "2026年11月26日(木) 10:40 Support <support@example.com>:",
        "Support <support@example.com> 于2026年11月26日周四 10:40写道：",  # noqa: RUF001
        "* Support <support@example.com> [2026-11-26 10:40]:",
    ],
)
def test_a_quotation_and_what_introduces_it_are_left_out(introduction: str) -> None:
    assert without_quotes(f"Yes.\n\nKim\n\n{introduction}\n\n{QUOTE}") == "Yes.\n\nKim"
    assert without_quotes(f"Yes.\n{introduction}\n{QUOTE}\n") == "Yes."
    assert without_quotes(f"{introduction}\n{QUOTE}\nYes.\n") == "Yes."
    assert first_line(f"{introduction}\n{QUOTE}\nack 2h\n") == "ack 2h"


@pytest.mark.parametrize(
    ("history", "above"),
    [
        (OUTLOOK, ""),
        (OUTLOOK.replace("Sent", "Date"), "-----Original Message-----\n"),
        (OUTLOOK, "________________________________\n"),
        (OUTLOOK, "-------- Original message --------\n\n"),
        (OUTLOOK.replace("From:", "*From:*").replace("Sent:", "*Sent:*"), ""),
        (
            "Von: Support\nGesendet: Donnerstag\nAn: Kim\nBetreff: Drucker\n\nDruckt er?\n",
            "-----Ursprüngliche Nachricht-----\n",
        ),
        ("Gesendet: 26. November 2026 um 10:40\nVon: Support\nAn: Kim\nBetreff: Drucker\nDruckt er?\n", ""),
        ("De : Support\nEnvoyé : jeudi 26 novembre\nÀ : Kim\nObjet : Imprimante\n\nMarche-t-elle ?\n", ""),
        ("发件人: Support\n发送时间: 2026年11月26日\n收件人: Kim\n主题: 打印机\n\n…\n", ""),
        ("差出人: Support\n送信日時: 2026年11月26日\n宛先: Kim\n件名: プリンター\n\n…\n", ""),
    ],
)
def test_history_below_headers_is_left_out(history: str, above: str) -> None:
    assert without_quotes(f"Yes.\n\nKim\n\n{above}{history}") == "Yes.\n\nKim"


@pytest.mark.parametrize(
    "text",
    [
        "Yes.",
        "",
        QUOTE,
        f"On 26/11/2026 10:40, Ann wrote:\n{QUOTE}",
        OUTLOOK,
        "> a\nYes.\n> b\nNo.\n> c\n> d\n> e",
        f"On 26/11/2026 10:40, Ann wrote:\n{QUOTE}Yes.\n> And now?\nNo.",
        f"The error of 10:40 is here:\n\nYes\n{QUOTE}",  # nothing introduces the quotation, and it is short
        "Type this:\n> make\n> make install",
        "Hello\n\n-- \n" + "\n".join(f"line {number}" for number in range(20)),
        "a -- b\n--- \nc",
        "Look:\n\nFrom: here\nto there\nand back",
        "Hello\n\n---------- Forwarded message ---------\n" + OUTLOOK,
        "Hallo\n\n-------- Weitergeleitete Nachricht --------\n" + OUTLOOK,
        "Hello\n\nBegin forwarded message:\n\n" + OUTLOOK,
        "Yes\n" * MOST_LINES + f"On 26/11/2026 10:40, Ann wrote:\n{QUOTE}",
    ],
)
def test_what_is_not_certainly_history_stays(text: str) -> None:
    assert without_quotes(text) == text


def test_what_the_writer_wrote_around_history_stays() -> None:
    assert without_quotes(f"Thanks!\nOn 26/11/2026 10:40, Ann wrote:\n{QUOTE}") == "Thanks!"
    assert without_quotes("Note: 12:00\n\n" + OUTLOOK) == "Note: 12:00"
    long = "This sentence of mine has the date 2026 in it and is just as long as a line that is wrapped"
    assert without_quotes(f"{long}\nAm 26.11.26 um 10:40 schrieb Ann:\n{QUOTE}") == long
    assert without_quotes(f"{long}\n\nSupport <support@example.com> wrote:\n{QUOTE}") == long


def test_a_short_line_above_an_introduction_is_of_the_writer() -> None:
    assert without_quotes(f"It was 2026.\nSupport <support@example.com> wrote:\n{QUOTE}") == "It was 2026."


def test_a_signature_is_left_out() -> None:
    assert without_quotes("Yes.\n\n-- \nKim\nCustomer Ltd.") == "Yes."
    assert without_quotes("Yes.\n--\nKim") == "Yes."
    assert without_quotes(f"Yes.\n-- \nKim\n\nOn 26/11/2026 10:40, Ann wrote:\n{QUOTE}") == "Yes."
    assert without_quotes(f"On 26/11/2026 10:40, Ann wrote:\n{QUOTE}\nYes.\n-- \nKim") == "Yes."
    assert without_quotes("-- \nKim") == "-- \nKim"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ack 2h", "ack 2h"),
        ("\n\n  ack 2h  \nThanks", "ack 2h"),
        (f"ack\n\n{OUTLOOK}", "ack"),
        ("> ack\n> resolve", ""),
        ("> ack\nYes.\n> resolve\nNo.", "Yes."),
        ("On 26/11/2026 10:40, slactl wrote:\n> ack\n> assign me\n\n", "On 26/11/2026 10:40, slactl wrote:"),
        ("", ""),
        ("x" * 5000, "x" * 2000),
    ],
)
def test_the_first_line_is_of_the_writer(text: str, line: str) -> None:
    assert first_line(text) == line

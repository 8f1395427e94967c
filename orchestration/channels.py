"""Ways in which an alert reaches a person: a webhook, e-mail.

Belongs here: sending one message, and sending what is queued. Does not: what it says
(`alerts.py`), what is queued (`outbox.py`).
"""

import json
import smtplib
import ssl
import time
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from http.client import HTTPException

from orchestration.outbox import Message, Outbox
from orchestration.settings import AlertSettings, MailServer

# A channel that is down delays a run for at most these: each try, and the pauses between them.
_TIMEOUT_SECONDS = 4.0
_PAUSES_SECONDS = (0.5, 1.0)
_LONGEST_TEXT = 12_000
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}

Send = Callable[[Message], None]


class NotSent(Exception):
    """A message could not be sent; the text says why, without the address it was to go to."""


def channels(settings: AlertSettings) -> dict[str, Send]:
    """Name → how to send, for each channel that is configured. Sending raises NotSent."""
    found: dict[str, Send] = {}
    if (url := settings.webhook_url) is not None:
        found["webhook"] = lambda message: _post(url, message)
    if (server := settings.mail_server) is not None:
        found["e-mail"] = lambda message: _mail(server, settings, message)
    return found


def send_queued(box: Outbox, settings: AlertSettings) -> list[str]:
    """Send what is queued for the configured channels; a sentence for each channel that is down.

    A message is tried three times, one that failed at an earlier occasion once. After a message
    that could not be sent the rest of its channel waits for the next occasion.
    """
    problems = []
    for name, send in channels(settings).items():
        while (message := box.claim(name)) is not None:
            try:
                _with_retries(send, message)
            except NotSent as error:
                box.failed(message, str(error))
                problems.append(
                    f"An alert could not be sent by {name} and is kept for the next run: {error}"
                )
                break
            box.sent(message)
    return problems


def _with_retries(send: Send, message: Message) -> None:
    for pause in () if message.attempts else _PAUSES_SECONDS:
        try:
            return send(message)
        except NotSent:
            time.sleep(pause)
    return send(message)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET, whose answer says nothing of the message."""

    def redirect_request(self, *_: object) -> None:
        return None


def _post(url: str, message: Message) -> None:
    """Post a message in the form of Slack's incoming webhooks: {"text": …} in its mrkdwn."""
    text = f"*{_escaped(message.title)}*\n{_escaped(message.body)}"[:_LONGEST_TEXT]
    request = urllib.request.Request(
        url,
        data=json.dumps({"text": text}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT_SECONDS):
            pass
    except (OSError, HTTPException, ValueError) as error:
        raise NotSent(_reason(error)) from None


def _mail(server: MailServer, settings: AlertSettings, message: Message) -> None:
    letter = EmailMessage()
    letter["Subject"] = f"[orderhouse] {message.title}"
    letter["From"] = settings.email_from
    letter["To"] = ", ".join(settings.email_to)
    letter.set_content(message.body)
    context = ssl.create_default_context()
    try:
        if server.is_tls:
            smtp = smtplib.SMTP_SSL(
                server.host, server.port, timeout=_TIMEOUT_SECONDS, context=context
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_SECONDS)
        with smtp:
            smtp.ehlo()
            if not server.is_tls and smtp.has_extn("starttls"):
                smtp.starttls(context=context)
                smtp.ehlo()
            elif not server.is_tls and server.user and server.host not in _LOCAL_HOSTS:
                raise NotSent("the mail server offers no encryption; a password is not sent to it")
            if server.user:
                smtp.login(server.user, server.password or "")
            smtp.send_message(letter)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        # A ValueError: a host or a password that cannot be written as a mail server reads it.
        raise NotSent(_reason(error)) from None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _reason(error: Exception) -> str:
    """What went wrong, in a line; errors of urllib and smtplib do not repeat URL or password."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]

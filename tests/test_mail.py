"""A service with accounts sends e-mails to a real SMTP server, over TLS only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from queue import Queue
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
import trustme
from accounts import EMAIL
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from databases import TIMEOUT, free_port, server_log, serving
from harness import Service
from sites import wait_for_line

pytest_plugins = ["engines"]
pytestmark = pytest.mark.slow
# The default run has one e-mail that is sent, and one that is not.
NIGHTLY = pytest.mark.nightly

# An address of this machine for which the service requires TLS, unlike for 127.0.0.1.
HOST = "127.0.0.2"
USER, PASSWORD = "mailer@example.com", "p@ss:word/1"
LOGIN = "mailer%40example.com:p%40ss%3Aword%2F1"


@dataclass
class Mailbox:
    """What the server has received."""

    messages: Queue[EmailMessage] = field(default_factory=Queue)
    passwords: list[str] = field(default_factory=list)

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        """Keep a message; aiosmtpd calls it."""
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.put(message)
        return "250 OK"

    def authenticate(self, *arguments: Any) -> AuthResult:
        """Check a user and a password; aiosmtpd calls it."""
        credentials: LoginPassword = arguments[-1]
        self.passwords.append(credentials.password.decode())
        known = (USER.encode(), PASSWORD.encode())
        is_known = (credentials.login, credentials.password) == known
        # If that is not so, the server sends the response.
        return AuthResult(success=is_known, handled=is_known)


@contextmanager
def running_server(
    context: SSLContext | None, *, is_implicit: bool
) -> Iterator[tuple[int, Mailbox]]:
    """Run an SMTP server, and yield its port and mailbox; without a context, it has no TLS."""
    mailbox = Mailbox()
    server = Controller(
        mailbox,
        HOST,
        free_port(),
        ssl_context=context if is_implicit else None,
        tls_context=None if is_implicit else context,
        authenticator=mailbox.authenticate,
        # Otherwise it would offer no authentication without TLS, and so learn no password.
        auth_require_tls=False,
    )
    server.start()
    try:
        yield server.port, mailbox
    finally:
        server.stop()


@pytest.fixture
def tls(tmp_path: Path) -> SSLContext:
    """A certificate of the server, whose authority is in a file of the test."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    context = SSLContext(PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    return context


@pytest.fixture
def service(install: Callable[..., Service], tmp_path: Path) -> Service:
    """A service with accounts that trusts the server."""
    service = install(database="sqlite", authentication="sessions")
    service.variables |= {
        "SSL_CERT_FILE": str(tmp_path / "authority.pem"),
        "APP_MAIL_FROM": "shop@example.com",
    }
    service.run("alembic", "upgrade", "head")
    return service


@contextmanager
def registering(
    service: Service, tls: SSLContext | None, login: str, *, is_implicit: bool = False
) -> Iterator[Mailbox]:
    """Ask for an account, while an SMTP server runs, and yield its mailbox."""
    with running_server(tls, is_implicit=is_implicit) as (port, mailbox):
        scheme = "smtps" if is_implicit else "smtp"
        service.variables["APP_SMTP_URL"] = f"{scheme}://{login}@{HOST}:{port}"
        with serving(service, "--no-access-log") as client:
            client.post("/api/v1/auth/register", json={"email": EMAIL}).raise_for_status()
            yield mailbox


@pytest.mark.parametrize("is_implicit", [False, pytest.param(True, marks=NIGHTLY)])
def test_it_sends_over_tls(service: Service, tls: SSLContext, is_implicit: bool) -> None:
    with registering(service, tls, LOGIN, is_implicit=is_implicit) as mailbox:
        message = mailbox.messages.get(timeout=TIMEOUT)

    assert mailbox.passwords == [PASSWORD]
    assert (message["From"], message["To"]) == ("shop@example.com", EMAIL)
    assert "#token=" in message.get_content()


@pytest.mark.parametrize(
    ("login", "has_tls", "error"),
    [
        pytest.param("mailer:wrong", True, "SMTPAuthenticationError", marks=NIGHTLY),
        # A server that offers no TLS does not learn the password.
        (LOGIN, False, "SMTPException"),
    ],
)
def test_it_logs_what_it_could_not_send(
    service: Service, tls: SSLContext, login: str, has_tls: bool, error: str
) -> None:
    with registering(service, tls if has_tls else None, login) as mailbox:
        line = wait_for_line(server_log(service), "email_not_sent")

    assert error in line
    assert mailbox.messages.empty()
    assert {*mailbox.passwords} == ({"wrong"} if has_tls else set())
    assert not any(secret in line for secret in (EMAIL, "mailer", "wrong", PASSWORD))


@NIGHTLY
def test_it_refuses_a_certificate_that_it_does_not_trust(service: Service, tls: SSLContext) -> None:
    service.variables["SSL_CERT_FILE"] = "/dev/null"

    with registering(service, tls, LOGIN) as mailbox:
        line = wait_for_line(server_log(service), "email_not_sent")

    assert "SSLCertVerificationError" in line
    assert mailbox.passwords == []

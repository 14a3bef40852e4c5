"""Emails to customers."""

from dataclasses import dataclass, field
from email.message import EmailMessage

from structlog import get_logger

from my_service.core.settings import MailSettings

logger = get_logger()


@dataclass
class Mailer:
    """Sends emails; here it only appends them to a list."""

    settings: MailSettings
    sent: list[EmailMessage] = field(default_factory=list)

    async def send(self, to: str, subject: str, text: str) -> None:
        """Send an email."""
        message = EmailMessage()
        message["From"] = self.settings.sender
        message["To"] = ", ".join([to, *self.settings.copies])
        message["Subject"] = subject
        message.set_content(text)
        self.sent.append(message)
        logger.info("email_sent", subject=subject)

"""Define the tables of mail that came in: the messages that were taken, and the mail domains of tenants."""

from sqlalchemy import Column, ForeignKey, Index
from sqlmodel import Field, SQLModel

from slactl.store.schema.models.columns import TEXT, key, reference, sizes


class MailId(SQLModel, table=True):
    """A message that was taken: its Message-ID, its ticket, and the event that it became. No message is taken twice."""

    __tablename__ = "mail_id"
    __table_args__ = (*sizes(message_id=1000), Index("mail_id_ticket", "ticket_id"))
    message_id: str = key()
    ticket_id: int = reference("ticket.id")
    event_id: int = reference("event.id")


class TenantDomain(SQLModel, table=True):
    """A mail domain in small letters, and the one tenant whose people write from it."""

    __tablename__ = "tenant_domain"
    __table_args__ = (*sizes(domain=253), Index("tenant_domain_tenant", "tenant"))
    domain: str = key()
    tenant: str = Field(sa_column=Column(TEXT, ForeignKey("tenant.name"), nullable=False))

"""Outages: how a broker that is away looks to us, and what is said of it.

What is said names the rule and the setting, and never an address: addresses carry passwords.
"""

from __future__ import annotations

from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AMQPError,
    AuthenticationError,
    ChannelInvalidStateError,
    ProbableAuthenticationError,
)
from aiormq.exceptions import ConnectionNotAllowed, InvalidFrameError

from studio.problems import StoreAway, Unavailable

#: How long a publisher waits for a broker that is away before it is told, s.
PATIENCE = 8.0

#: A broker that was restarted may never confirm the end of a consumer or of a channel (seen with
#: RabbitMQ 3.10); closing the connection ends both.
CLOSE_SECONDS = 3.0

#: What aio-pika raises while the broker does not do its part.
AWAY = (*CONNECTION_EXCEPTIONS, AMQPError, ChannelInvalidStateError, ConnectionError, TimeoutError)

_REFUSED = (AuthenticationError, ProbableAuthenticationError)
#: The broker closes a connection to a virtual host where aiormq expects that it is opened.
_NOWHERE = (ConnectionNotAllowed, InvalidFrameError)


def unavailable(error: BaseException | None = None) -> Unavailable:
    """The error for a broker that does not do its part: away, or refusing us."""
    if isinstance(error, _REFUSED):
        return StoreAway(
            rule="bus.credentials",
            says="The broker (RabbitMQ) refuses the user name or the password of STUDIO_AMQP_URL.",
            fix="Correct the secret and restart, or create that user.",
            retry_after=5,
        )
    if isinstance(error, _NOWHERE):
        return StoreAway(
            rule="bus.vhost",
            says="The broker (RabbitMQ) has no such virtual host, or this user may not use it.",
            fix="Correct the path of STUDIO_AMQP_URL, or create the virtual host.",
            retry_after=5,
        )
    return StoreAway(
        rule="bus.unavailable",
        says="The broker (RabbitMQ) does not answer.",
        fix="Nothing, if it is restarting; the work goes on when it is back.",
        retry_after=2,
    )

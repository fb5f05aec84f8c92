"""The servers that the tests may talk to: where each is, and whether it answers."""

import os
import re
import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """
    One server, found through `OPSKIT_<NAME>_HOST` and `OPSKIT_<NAME>_PORT`.

    `greeting` is what a client says first, `answer` the pattern of what only this kind of server
    says then: an open port alone may belong to any other program.
    """

    name: str
    default_port: int
    greeting: bytes
    answer: bytes

    @property
    def host(self) -> str:
        """The host's name or address."""
        return self.setting("HOST", "127.0.0.1")

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.setting("PORT", str(self.default_port)))

    @property
    def address(self) -> str:
        """Host and port, as people write them."""
        return f"{self.host}:{self.port}"

    def variable(self, key: str) -> str:
        """Return the name of the environment variable for `key`, for example "HOST"."""
        return f"OPSKIT_{self.name.upper()}_{key}"

    def setting(self, key: str, default: str) -> str:
        """Return the environment's value for `key`, or `default`."""
        return os.environ.get(self.variable(key), default)

    def answers(self, timeout_seconds: float = 3.0) -> bool:
        """Say whether this server, and not just any program, answers at the address."""
        try:
            with socket.create_connection((self.host, self.port), timeout_seconds) as connection:
                connection.sendall(self.greeting)
                return re.match(self.answer, connection.recv(256), re.DOTALL) is not None
        except OSError:
            return False

    def how_to_reach(self) -> str:
        """Return the sentence that tells how to make a silent server answer."""
        return (
            f"{self.name} does not answer at {self.address}: start it with `make services`, "
            f"or set {self.variable('HOST')} and {self.variable('PORT')} to where it runs."
        )


# SSLRequest (PostgreSQL manual, "Message Formats"): a server says only S or N to it.
POSTGRESQL = Service("PostgreSQL", 5432, b"\0\0\0\x08\x04\xd2\x16\x2f", rb"[SN]")
# The server speaks first: a packet's header, then protocol version 10 or an error's 255.
MARIADB = Service("MariaDB", 3306, b"", rb".{3}\0[\n\xff]")
REDIS = Service("Redis", 6379, b"PING\r\n", rb"\+PONG|-NOAUTH")
# AMQP 0-9-1, section 2.2.4: a method frame on channel 0 with Connection.Start (10, 10).
RABBITMQ = Service("RabbitMQ", 5672, b"AMQP\0\0\x09\x01", rb"\x01\0\0.{4}\0\n\0\n")
NATS = Service("NATS", 4222, b"", rb"INFO ")

SERVICES = (POSTGRESQL, MARIADB, REDIS, RABBITMQ, NATS)

"""RabbitMQ as Debian has it, with its plugin for AMQP 1.0: a node of its own, with nothing outside of its folder."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .broker import PASSWORD, USER, Broker, dies_with_us, free_ports

INSTALLED = Path("/usr/lib/rabbitmq/lib")


def server_folder() -> Path | None:
    """Where the package put the newest server; None where it is not installed."""
    return max(INSTALLED.glob("rabbitmq_server-*"), default=None)


class RabbitMQ(Broker):
    name = "RabbitMQ"
    ready_text = "Server startup complete"
    # One port for TLS with and without client certificates.
    port_names = ("amqp", "amqps")

    _epmd: subprocess.Popen[bytes] | None = None

    @property
    def version(self) -> str:
        return self._server.name.partition("-")[2]

    @property
    def _server(self) -> Path:
        found = server_folder()
        assert found is not None
        return found

    def url(self, port: str = "amqp", host: str = "127.0.0.1", user: str = USER, password: str = PASSWORD, options: str = "") -> str:
        if port != "external":
            return super().url(port, host, user, password, options)
        return f"amqps://{host}:{self.ports['amqps']}/" + (f"?{options}" if options else "")

    def address(self, queue: str) -> str:
        return f"/amq/queue/{queue}"

    def configure(self) -> None:
        made = self.certificates
        self._distribution_port, self._epmd_port = free_ports(2)
        (self.folder / "definitions.json").write_text(json.dumps(self._definitions()))
        (self.folder / "plugins").write_text("[rabbitmq_amqp1_0, rabbitmq_auth_mechanism_ssl].\n")
        (self.folder / "rabbitmq.conf").write_text(f"""\
listeners.tcp.1 = 127.0.0.1:{self.ports["amqp"]}
listeners.ssl.1 = 127.0.0.1:{self.ports["amqps"]}
ssl_options.cacertfile = {made.authority}
ssl_options.certfile = {made.server}
ssl_options.keyfile = {made.server_key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = AMQPLAIN
auth_mechanisms.3 = EXTERNAL
load_definitions = {self.folder / "definitions.json"}
log.console = true
log.console.level = info
log.file = false
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 1GB
""")

    def _definitions(self) -> dict[str, object]:
        salt = os.urandom(4)
        password = base64.b64encode(salt + hashlib.sha256(salt + PASSWORD.encode()).digest()).decode()
        return {
            "users": [{"name": USER, "password_hash": password, "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ""}],
            "vhosts": [{"name": "/"}],
            "permissions": [{"user": USER, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
            "queues": [{"name": name, "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}} for name in self.queues],
        }

    def environment(self) -> Mapping[str, str]:
        folder = str(self.folder)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
        return {
            **kept,
            "HOME": folder,  # of Erlang's cookie
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_ALLOW_INPUT": "1",  # the script becomes the server, which gets our signals
            "RABBITMQ_BASE": folder,
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/no-environment.conf",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_NODENAME": f"interop{self.ports['amqp']}@localhost",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_SCHEMA_DIR": f"{folder}/schema",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none",
        }

    def command(self) -> Sequence[str]:
        return [str(self._server / "sbin" / "rabbitmq-server"), "-noinput"]

    def start_again(self) -> None:
        # Erlang's port mapper, which else would start as a daemon and stay.
        if self._epmd is None:
            self._epmd = subprocess.Popen([*dies_with_us(), "epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)],
                                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        super().start_again()

    def stop(self) -> None:
        super().stop()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None

"""Apache Qpid Broker-J, from its archive in Maven Central."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .archives import Archive
from .broker import PASSWORD, USER
from .java import JAVA, JavaBroker


class BrokerJ(JavaBroker):
    name = "Qpid Broker-J"
    archive = Archive("org.apache.qpid", "apache-qpid-broker-j", "9.2.1", "tar.gz", "qpid-broker/9.2.1")
    ready_text = "BRK-1004"
    mechanisms = frozenset({"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"})

    def configure(self) -> None:
        (self.folder / "initial.json").write_text(json.dumps(self._configuration()))

    def _configuration(self) -> dict[str, object]:
        made = self.certificates
        virtual_host = {
            "type": "DERBY",
            "queues": [{"name": name, "type": "standard", "durable": True} for name in self.queues],
        }
        common = {"virtualhostaliases": [{"name": "default", "type": "defaultAlias"}, {"name": "hosts", "type": "patternMatchingAlias", "pattern": ".*"}],
                  "bindingAddress": "127.0.0.1", "protocols": ["AMQP_1_0"]}
        secure = {"keyStore": "server", "transports": ["SSL"]}
        return {
            "name": "interop",
            "modelVersion": "9.0",
            "authenticationproviders": [
                {"name": "passwords", "type": "Plain", "secureOnlyMechanisms": [],
                 "users": [{"name": USER, "type": "managed", "password": PASSWORD}]},
                {"name": "certificates", "type": "External"},
            ],
            "keystores": [{"name": "server", "type": "NonJavaKeyStore", "privateKeyUrl": made.server_key.as_uri(),
                           "certificateUrl": made.server.as_uri(), "certificateHostnameVerificationEnabled": False}],
            "truststores": [{"name": "authority", "type": "NonJavaTrustStore", "certificatesUrl": made.authority.as_uri()}],
            "brokerloggers": [],
            "ports": [
                {"name": "amqp", "port": self.ports["amqp"], "authenticationProvider": "passwords", "transports": ["TCP"], **common},
                {"name": "amqps", "port": self.ports["amqps"], "authenticationProvider": "passwords", **secure, **common},
                {"name": "external", "port": self.ports["external"], "authenticationProvider": "certificates", "needClientAuth": True,
                 "trustStores": ["authority"], **secure, **common},
            ],
            "virtualhostnodes": [{"name": "default", "type": "JSON", "defaultVirtualHostNode": True,
                                  "virtualHostInitialConfiguration": json.dumps(virtual_host)}],
        }

    def command(self) -> Sequence[str]:
        return [*JAVA, f"-DQPID_WORK={self.folder}/work", f"-Dqpid.work_dir={self.folder}/work", f"-Dderby.stream.error.file={self.folder}/derby.log",
                "-cp", f"{self.home}/lib/*", "org.apache.qpid.server.Main", "--initial-config-path", str(self.folder / "initial.json")]

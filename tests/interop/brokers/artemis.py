"""Apache ActiveMQ Artemis, from its archive in Maven Central."""

from __future__ import annotations

from collections.abc import Sequence

from .archives import Archive
from .broker import PASSWORD, USER
from .java import JAVA, JavaBroker

ROLE = "users"
PERMISSIONS = ("createNonDurableQueue", "deleteNonDurableQueue", "createDurableQueue", "deleteDurableQueue", "createAddress", "deleteAddress",
               "consume", "browse", "send")

# In this order: whoever came by SCRAM is known already, a client certificate names a user, everybody else has a password.
LOGIN = """\
interop {
    org.apache.activemq.artemis.spi.core.security.jaas.SCRAMLoginModule sufficient;
    org.apache.activemq.artemis.spi.core.security.jaas.TextFileCertificateLoginModule sufficient
        org.apache.activemq.jaas.textfiledn.user="certificates.properties"
        org.apache.activemq.jaas.textfiledn.role="roles.properties";
    org.apache.activemq.artemis.spi.core.security.jaas.PropertiesLoginModule sufficient
        org.apache.activemq.jaas.properties.user="users.properties"
        org.apache.activemq.jaas.properties.role="roles.properties";
};
scram {
    org.apache.activemq.artemis.spi.core.security.jaas.SCRAMPropertiesLoginModule required
        org.apache.activemq.jaas.properties.user="users.properties"
        org.apache.activemq.jaas.properties.role="roles.properties";
};
"""

LOGGING = """\
rootLogger.level=INFO
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %-5level [%logger] %msg%n
"""

BOOTSTRAP = """\
<broker xmlns="http://activemq.apache.org/schema">
    <jaas-security domain="interop"/>
    <server configuration="{configuration}"/>
</broker>
"""

CONFIGURATION = """\
<configuration xmlns="urn:activemq">
    <core xmlns="urn:activemq:core">
        <name>interop</name>
        <persistence-enabled>true</persistence-enabled>
        <journal-type>NIO</journal-type>
        <journal-datasync>false</journal-datasync>
        <paging-directory>data/paging</paging-directory>
        <bindings-directory>data/bindings</bindings-directory>
        <journal-directory>data/journal</journal-directory>
        <large-messages-directory>data/large-messages</large-messages-directory>
        <max-disk-usage>-1</max-disk-usage>
        <acceptors>
            <acceptor name="amqp">tcp://127.0.0.1:{amqp}?protocols=AMQP;saslMechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN;\
saslLoginConfigScope=scram</acceptor>
            <acceptor name="amqps">tcp://127.0.0.1:{amqps}?{tls};saslMechanisms=PLAIN</acceptor>
            <acceptor name="external">tcp://127.0.0.1:{external}?{tls};saslMechanisms=EXTERNAL;needClientAuth=true;\
trustStoreType=PEMCA;trustStorePath={authority}</acceptor>
        </acceptors>
        <security-settings>
            <security-setting match="#">
{permissions}
            </security-setting>
        </security-settings>
        <address-settings>
            <address-setting match="#">
                <default-address-routing-type>ANYCAST</default-address-routing-type>
                <default-queue-routing-type>ANYCAST</default-queue-routing-type>
                <max-delivery-attempts>-1</max-delivery-attempts>
                <auto-delete-queues>false</auto-delete-queues>
                <auto-delete-addresses>false</auto-delete-addresses>
            </address-setting>
        </address-settings>
    </core>
</configuration>
"""


class Artemis(JavaBroker):
    name = "Apache Artemis"
    archive = Archive("org.apache.activemq", "apache-artemis", "2.40.0", "zip", "apache-artemis-2.40.0")
    ready_text = "AMQ221007: Server is now active"
    mechanisms = frozenset({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"})

    def configure(self) -> None:
        made = self.certificates
        identity = self.folder / "identity.pem"
        identity.write_text(made.server_key.read_text() + made.server.read_text())
        tls = f"protocols=AMQP;sslEnabled=true;keyStoreType=PEM;keyStorePath={identity}"
        permissions = "\n".join(f'                <permission type="{name}" roles="{ROLE}"/>' for name in PERMISSIONS)
        etc = self.folder / "etc"
        etc.mkdir()
        (etc / "login.config").write_text(LOGIN)
        (etc / "users.properties").write_text(f"{USER}={PASSWORD}\n")
        (etc / "certificates.properties").write_text(f"{USER}=CN={USER}\n")
        (etc / "roles.properties").write_text(f"{ROLE}={USER}\n")
        (etc / "management.xml").write_text('<management-context xmlns="http://activemq.apache.org/schema"/>\n')
        (etc / "log4j2.properties").write_text(LOGGING)
        (etc / "bootstrap.xml").write_text(BOOTSTRAP.format(configuration=(etc / "broker.xml").as_uri()))
        (etc / "broker.xml").write_text(CONFIGURATION.format(tls=tls, authority=made.authority, permissions=permissions, **self.ports))

    def command(self) -> Sequence[str]:
        etc = self.folder / "etc"
        return [*JAVA, f"-Djava.security.auth.login.config={etc}/login.config", f"-Dartemis.home={self.home}",
                f"-Dartemis.instance={self.folder}", f"-Dartemis.instance.etc={etc}", f"-Ddata.dir={self.folder}/data",
                f"-Dlog4j2.configurationFile={(etc / 'log4j2.properties').as_uri()}", "-Dlog4j2.disableJmx=true", "-cp",
                f"{self.home}/lib/artemis-boot.jar", "org.apache.activemq.artemis.boot.Artemis", "run"]

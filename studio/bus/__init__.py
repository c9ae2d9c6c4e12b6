"""The bus: one small protocol, two adapters (RabbitMQ and in-process) with the same semantics."""

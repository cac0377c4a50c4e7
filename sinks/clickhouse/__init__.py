"""The warehouse: ClickHouse as a server, or embedded in this process (chDB); one client, one set of tables."""

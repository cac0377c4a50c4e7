"""The warehouse: ClickHouse as a server, or embedded in this process (chDB); one client, one set of tables.

config, client   options; connections, and errors as ours
sink             blocks into base tables, each once in effect
migrate, migrations, render    numbered migrations, and what they must add up to

columns          how a table is written down
tables, packed_tables, plain_tables, registry_tables, hygiene_tables    the tables
views, hygiene_view    newest revisions; how a view is written down
hygiene_views, hygiene_arrivals, estimate_views, work_views, prepaid_views    the views

native, packed_block, plain_block, registry_block, runs    blocks as the warehouse has them in memory
whole            whether what was taken lies on disk
reader, server, statement    questions of others, also while a sink has the folder open
cold_history     what the cold lane asks
"""

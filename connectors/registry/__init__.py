"""Registry import: master data of a utility (CSV files, PostgreSQL) to a version of the registry, and back.

config           the mapping of a utility's own files or tables
source, csv_source, postgresql_source    where rows come from
tables           the tables of an import, once
read, cells, cell_texts    texts to values
rules            what may be found, by code
check, check_meters, check_points, check_installations, check_network, spans    what is looked for
findings, consequences    what was found
build            rows to a version, keys and tariffs
diff, export, show    what a version changes, and its way back to files
"""

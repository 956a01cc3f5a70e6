"""The pure core: runs, tables, keys and messages. No I/O, no AWS, no clock."""

"""The pure core: what a run, a table, a key and a message are. No I/O, no AWS, no clock of its own."""

"""The sources: one table, one file. A source is an operation of AWS, the table it fills, and the rules between them."""

"""From an authentic answer to what it teaches about an operation. One module per kind of record."""
